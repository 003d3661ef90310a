"""How many jobs of what size: decided before the scheduler would say no."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sampan.crew import Crew
from sampan.errors import Invalid, Refused, SampanError
from sampan.facts import Facts
from sampan.whereabouts import Here

pytestmark = pytest.mark.fast

FACTS = Facts("east", "slurm", "cpu", 8, 2048)
PLACE = Here(
    "east", {"en": "East", "zh": "东部"}, "cpu", "n1", 2, 4096, timedelta(hours=2), "abcd1234", "slurm"
)


def plan(facts: Facts = FACTS, left: timedelta | None = PLACE.time_left, **wish: Any) -> Crew:
    asked: dict[str, Any] = {"workers": 2, "cores": 1, "memory": "1 GiB", "hours": None, **wish}
    return Crew.plan(facts, replace(PLACE, time_left=left), **asked)


def refusal(facts: Facts = FACTS, left: timedelta | None = PLACE.time_left, **wish: Any) -> SampanError:
    with pytest.raises(Refused) as caught:
        plan(facts, left, **wish)
    return caught.value


def test_the_smallest_wish() -> None:
    assert plan() == Crew(workers=2, cores=1, memory_mib=1024, minutes=120)


@pytest.mark.parametrize(
    ("memory", "mebibytes"),
    [
        ("1 GiB", 1024),
        ("1.5GiB", 1536),
        ("2 GB", 1907),
        ("512 MiB", 512),
        ("512M", 512),
        (1, 1024),
        (0.5, 512),
    ],
)
def test_memory_is_a_text_or_gibibytes(memory: str | float, mebibytes: int) -> None:
    assert plan(memory=memory).memory_mib == mebibytes


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("workers", 0),
        ("workers", 2.0),
        ("workers", True),
        ("workers", "2"),
        ("workers", 10**6),
        ("cores", -1),
        ("memory", "lots"),
        ("memory", "-1 GiB"),
        ("memory", "1 TB; id"),
        ("memory", 0),
        ("memory", None),
        ("memory", float("nan")),
        ("hours", 0),
        ("hours", float("nan")),
        ("hours", float("inf")),
        ("hours", "1"),
        ("accelerator", "dcu:1; id"),
        ("accelerator", 1),
        ("accelerators", 0),
    ],
)
def test_what_is_no_amount_is_named(field: str, value: object) -> None:
    wish: dict[str, Any] = {"accelerator": "dcu", field: value} if "acc" in field else {field: value}
    with pytest.raises(Invalid) as caught:
        plan(**wish)
    assert caught.value.code == "cluster.amount"
    assert caught.value.message.params["field"] == field


def test_a_cluster_too_large_for_one_request_is_refused_with_both_numbers() -> None:
    assert plan(workers=1000).workers == 1000
    with pytest.raises(Invalid) as caught:
        plan(workers=1001)
    assert (caught.value.code, dict(caught.value.message.params)) == (
        "cluster.workers",
        {"most": 1000, "want": 1001},
    )


def test_a_job_larger_than_the_centre_gives_is_refused_with_both_numbers() -> None:
    error = refusal(cores=9)
    assert error.code == "cluster.cores"
    assert (error.message.params["have"], error.message.params["want"]) == (8, 9)
    error = refusal(memory="3 GiB")
    assert error.code == "cluster.memory"
    assert plan(memory="3 GiB", cores=2).memory_mib == 3072


def test_accelerators_are_those_of_the_queue() -> None:
    cards = replace(FACTS, accelerators={"dcu": 4, "gpu": 1})
    assert (plan().accelerator, plan().accelerators) == (None, 0)
    one, four = plan(cards, accelerator="dcu"), plan(cards, accelerator="dcu", accelerators=4)
    assert [(crew.accelerator, crew.accelerators) for crew in (one, four)] == [("dcu", 1), ("dcu", 4)]
    for wish, want, have in (
        ({"accelerator": "dcu", "accelerators": 5}, "5 × dcu", "4 × dcu, 1 × gpu"),
        ({"accelerator": "npu"}, "1 × npu", "4 × dcu, 1 × gpu"),
    ):
        error = refusal(cards, **wish)
        assert (error.code, error.message.params["want"]) == ("cluster.accelerators", want)
        assert error.message.params["have"] == have
    assert refusal(accelerator="dcu").message.params["have"] == "0"


def test_workers_end_with_the_session() -> None:
    assert plan(left=timedelta(minutes=7, seconds=59)).minutes == 7
    assert plan(hours=0.5).minutes == 30
    assert refusal(hours=3).code == "cluster.hours"
    assert refusal(left=timedelta(seconds=100)).code == "cluster.no_time"
    assert plan(left=None).minutes == 60
    assert plan(left=None, hours=5).minutes == 300
