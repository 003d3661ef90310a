"""One share at one moment, and after what was promised of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sampan.need import Need
from sampan_hub.capacity import NodeReading
from sampan_hub.centre_facts import ShareFacts, Terms
from sampan_hub.standing import Standing, Taken

pytestmark = pytest.mark.fast

SHARE = ShareFacts("card", "q", 8, 16384, 480, {"dcu": 4})
NODES = (
    NodeReading("n1", 8, 5, 16384, 8192, ("q",), {"dcu": (4, 3), "gpu": (1, 1)}),
    NodeReading("n2", 8, 2, 16384, 8192, ("q",), {"dcu": (4, 1)}),
    NodeReading("n3", 8, 8, 16384, 8192, ("q",), {"dcu": (4, 4)}, up=False),
)
NEED = Need(cores=2, memory_mib=1024, accelerator="dcu", accelerators=1)


def test_what_is_up_is_counted_and_only_cards_of_the_share() -> None:
    standing = Standing.of(SHARE, NODES, 3)
    assert (standing.cores_free, standing.cores_total, standing.ahead) == (7, 16, 3)
    assert standing.cards == {"dcu": (4, 8)}


def test_promises_take_and_those_that_wait_only_stand_in_line() -> None:
    standing = Standing.of(SHARE, NODES, 0)
    here, elsewhere = Taken(frozenset({"q", "long"}), NEED), Taken(frozenset({"other"}), NEED)
    after = standing.after([here, here, elsewhere, Taken(frozenset({"q"}), NEED, waits=True)])
    assert (after.cores_free, after.ahead, after.cards) == (3, 3, {"dcu": (2, 8)})
    assert standing.after([elsewhere]) is standing
    many = standing.after([here] * 9)
    assert (many.cores_free, many.cards) == (0, {"dcu": (0, 8)}), "never less than nothing"


def test_what_is_liked_better_comes_first() -> None:
    def standing(**changes: object) -> Standing:
        return Standing.of(replace(SHARE, **changes), NODES, 0)  # type: ignore[arg-type]

    plain = standing(id="z")
    for worse in (
        standing(id="a", cost=1.1),
        standing(id="a", max_minutes=4800),
        standing(id="a", cost=0.1, terms=Terms("dcu", 1)),
        replace(standing(id="a"), cores_free=1),
    ):
        assert plain.liking(Need(cores=1)) < worse.liking(Need(cores=1))
    assert standing(id="a", cost=0.1, terms=Terms("dcu", 1)).liking(NEED) < plain.liking(NEED), "it wants one"
