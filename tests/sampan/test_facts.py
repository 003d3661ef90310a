"""What the broker tells of a centre: read into a value, or an error that names the field."""

from typing import Any

import pytest

from sampan.errors import Unavailable
from sampan.facts import Facts

pytestmark = pytest.mark.fast

ANSWER: dict[str, Any] = {
    "id": "east",
    "scheduler": "slurm",
    "share": "cpu",
    "cores_max": 8,
    "memory_per_core_mib": 2048,
    "accelerators": {"dcu": 4},
}


def test_an_answer_becomes_a_value() -> None:
    facts = Facts.parse({**ANSWER, "told_by_a_newer_broker": 1})
    assert (facts.centre, facts.scheduler, facts.share, facts.cores_max) == ("east", "slurm", "cpu", 8)
    assert facts.accelerators == {"dcu": 4}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", ""),
        ("id", None),
        ("scheduler", 3),
        ("share", "normal\n#SBATCH --account=other"),
        ("share", "a b"),
        ("cores_max", 0),
        ("cores_max", True),
        ("cores_max", "8"),
        ("memory_per_core_mib", -1),
        ("memory_per_core_mib", float("nan")),
        ("accelerators", ["dcu"]),
        ("accelerators", {"dcu": "4"}),
        ("accelerators", {"d`id`": 4}),
        ("accelerators", {"spool\u2028x": 4}),
        ("accelerators", {"a" * 1001: 4}),
    ],
)
def test_nothing_that_means_more_than_itself_reaches_a_job_script(field: str, value: object) -> None:
    with pytest.raises(Unavailable) as caught:
        Facts.parse({**ANSWER, field: value})
    assert caught.value.code == "cluster.facts"
    assert caught.value.message.params["field"] == field
