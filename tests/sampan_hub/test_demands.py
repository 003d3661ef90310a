"""Submit options that a queue demands, read as cards and projects."""

from __future__ import annotations

import pytest

from sampan_hub.demands import demanded_cards, demanded_project, without_cards

pytestmark = pytest.mark.fast

KINDS = ("dcu", "gpu", "a100")


@pytest.mark.parametrize(
    ("option", "value", "cards"),
    [
        ("gres", "dcu:1", ("dcu", 1)),
        ("gres", "dcu", ("dcu", 1)),
        ("gres", "DCU:1", ("dcu", 1)),
        ("gres", "gres/dcu:2", ("dcu", 2)),
        ("gres", "gpu:a100:2", ("a100", 2)),
        ("gres", "gpu:h100:2", ("gpu", 2)),
        ("gres", "ib:1,dcu:4", ("dcu", 4)),
        ("gres", "ib:1", ("", 0)),
        ("gres", "dcu:0", ("", 0)),
        ("gpus", "3", ("gpu", 3)),
        ("gpus-per-node", "a100:2", ("a100", 2)),
        ("tres-per-node", "gres/dcu=2", ("dcu", 2)),
        ("constraint", "dcu", ("", 0)),
        ("licenses", "dcu:1", ("", 0)),
    ],
)
def test_cards_that_every_job_takes(option: str, value: str, cards: tuple[str, int]) -> None:
    assert demanded_cards([("account", "climate"), (option, value)], KINDS) == cards


def test_a_kind_that_the_centre_does_not_have_is_no_card() -> None:
    assert demanded_cards([("gres", "dcu:1")], ["gpu"]) == ("", 0)


def test_any_card_is_one_of_the_only_type() -> None:
    assert demanded_cards([("gres", "gpu:2")], ["a100"]) == ("a100", 2)
    assert demanded_cards([("gpus", "2")], ["a100"]) == ("a100", 2)
    assert demanded_cards([("gpus", "2")], ["a100", "h100"]) == ("", 0)
    assert without_cards([("gpus", "2")], "a100", ["a100"]) == ()


def test_what_a_job_says_itself_is_not_demanded_again() -> None:
    demands = [("gres", "ib:1,dcu:1"), ("account", "climate"), ("gpus", "2")]
    assert without_cards(demands, "dcu", KINDS) == (("gres", "ib:1"), ("account", "climate"), ("gpus", "2"))
    assert without_cards(demands, "gpu", KINDS) == (("gres", "ib:1,dcu:1"), ("account", "climate"))
    assert without_cards([("gres", "dcu:1")], "dcu", KINDS) == ()
    assert without_cards(demands, "", KINDS) == tuple(demands)


def test_the_project_that_jobs_are_charged_to() -> None:
    assert demanded_project([("gres", "dcu:1"), ("account", "climate")]) == "climate"
    assert demanded_project([("qos", "long")]) == ""
