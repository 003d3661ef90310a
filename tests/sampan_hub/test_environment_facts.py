"""What an environment says is text from outside: read once, and held against what this hub wants."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sampan.errors import Unavailable
from sampan.messages import Message
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import parse_descriptor
from sampan_hub.environment_facts import EnvironmentFacts, Expected, Record, differences, unfit
from tests.sampan_hub.descriptions import here

pytestmark = pytest.mark.fast

HUB = Expected("a" * 64, "b" * 64, "0.2.0", "6.1.1", {"numpy": "2.4.6", "xarray": "2026.1"})
RECORD = Record("a" * 64, "b" * 64, "0.2.0", "6.1.1", "3.11.2", "2026-01-02T03:04:05+00:00")
FACTS = EnvironmentFacts(
    "/p/builds/x", "3.11.2", "0.2.0", "6.1.1", frozenset({1}), RECORD, {"numpy": "2.4.6", "xarray": "2026.1"}
)


def described(environment: str) -> Descriptor:
    text = here("a", "/srv/a", python="/x").replace("{python: /x}", environment)
    result = parse_descriptor(text, "a.yaml")
    assert isinstance(result, Descriptor), result
    return result


OURS = described("{prefix: /p}")
THEIRS = described("{python: /opt/theirs/bin/python}")


def codes(told: tuple[Message, ...]) -> list[str]:
    return [message.code for message in told]


def test_as_it_should_be() -> None:
    assert differences(OURS, FACTS, HUB) == ()
    assert differences(THEIRS, replace(FACTS, record=None), HUB) == ()


@pytest.mark.parametrize(
    ("changes", "ours", "theirs"),
    [
        ({"record": None}, ["environment.absent"], []),
        ({"record": replace(RECORD, lock="c" * 64)}, ["environment.lock"], []),
        ({"record": replace(RECORD, wheel="c" * 64)}, ["environment.sampan"], []),
        ({"record": replace(RECORD, python="3.11.1")}, ["environment.python"], []),
        ({"sampan": "0.1.0"}, ["environment.sampan"], ["environment.sampan"]),
        ({"jupyterhub": "6.2.0"}, ["environment.jupyterhub"], ["environment.jupyterhub"]),
        ({"jupyterhub": "6.1.9"}, [], []),
        ({"jupyterhub": ""}, ["environment.jupyterhub"], ["environment.jupyterhub"]),
        ({"speaks": frozenset()}, ["environment.protocol"], ["environment.protocol"]),
        ({"packages": {"numpy": "2.0"}}, ["environment.packages"], ["environment.packages"]),
        ({"broken": {"netCDF4": "no"}}, ["environment.broken"], ["environment.broken"]),
    ],
)
def test_what_differs(changes: dict[str, Any], ours: list[str], theirs: list[str]) -> None:
    facts = replace(FACTS, **changes)
    for centre, expected in ((OURS, ours), (THEIRS, theirs)):
        assert codes(differences(centre, facts, HUB)) == expected


def test_only_what_ends_a_session_keeps_launches_away() -> None:
    for changes in ({"sampan": "0.1.0"}, {"packages": {"numpy": "2.0"}}, {"broken": {"netCDF4": "no"}}):
        assert unfit(OURS, replace(FACTS, **changes), HUB) is None
    assert unfit(OURS, None, HUB) is not None


def test_the_next_step_is_whose_it_is() -> None:
    why = unfit(OURS, None, HUB)
    assert why is not None
    assert why.say("zh").endswith("sampan env build a")
    why = unfit(THEIRS, None, HUB)
    assert why is not None
    assert "sampan env build" not in why.say("en")


def test_a_long_list_is_told_in_part() -> None:
    hub = replace(HUB, packages={f"p{number}": "1" for number in range(50)})
    [told] = differences(OURS, FACTS, hub)
    assert told.params["count"] == 50
    assert told.say("en").count("(1)") == 10


def answer(**changes: Any) -> dict[str, Any]:
    return {
        "schema": "sampan/environment/1",
        "prefix": "/p",
        "python": "3.11.2",
        "speaks": [1],
        "versions": {"sampan": "0.2.0", "jupyterhub": "6.1.1"},
        "record": RECORD.to_json(),
        **changes,
    }


def test_there_and_back() -> None:
    facts = EnvironmentFacts.parse({**answer(), "of a newer sampan": 1})
    assert facts.record == RECORD
    assert (facts.prefix, facts.jupyterhub, facts.speaks) == ("/p", "6.1.1", frozenset({1}))


@pytest.mark.parametrize(
    "said", [{}, answer(schema="sampan/environment/2"), answer(speaks="1"), answer(versions=None)]
)
def test_what_cannot_be_read_is_no_answer(said: dict[str, Any]) -> None:
    with pytest.raises(Unavailable):
        EnvironmentFacts.parse(said)


def test_hostile_values_are_short_or_nothing() -> None:
    hostile = answer(
        prefix=["/p"],
        python="9" * 10_000,
        speaks=[1, "2", None, True, 3.0],
        versions={"jupyterhub": {"a": 1}},
        record={"schema": "sampan/environment/1", "lock": 7},
        packages={f"p{number}": "1" for number in range(100_000)},
        broken="all",
    )
    facts = EnvironmentFacts.parse(hostile)
    assert (facts.prefix, facts.jupyterhub, facts.speaks) == ("", "", frozenset({1}))
    assert len(facts.python) == 200
    assert len(facts.packages) == 2000
    assert facts.broken == {}
    assert facts.record is not None
    assert facts.record.lock == ""
