"""What a share has free, folded."""

from __future__ import annotations

from sampan.need import Need
from sampan_hub.capacity import NodeReading, Reading
from sampan_hub.histogram import Slot, fold

READING = Reading(
    (
        NodeReading("n1", 8, 4, 16384, 8192, ("q", "long")),
        NodeReading("n2", 8, 4, 16384, 8192, ("q",)),
        NodeReading("n3", 8, 8, 16384, 16384, ("long",), up=False),
    ),
    {"q": 3},
)


def test_nodes_alike_are_counted_together() -> None:
    here = fold(READING, "q")
    assert dict(here.slots) == {Slot(4, 8192): 2}
    assert (here.cores_free, here.cores_total, here.pending, here.nodes) == (
        8,
        16,
        3,
        frozenset({"n1", "n2"}),
    )


def test_a_node_that_takes_nothing_is_not_there() -> None:
    assert fold(READING, "long").nodes == frozenset({"n1"})


def test_it_is_made_once_for_a_reading() -> None:
    assert fold(READING, "q") is fold(READING, "q")
    assert fold(Reading(READING.nodes, {"q": 4}), "q").pending == 4


def test_a_claim_goes_where_it_fits_tightest_and_leaves_the_large_node_free() -> None:
    reading = Reading(
        (NodeReading("s", 8, 2, 16384, 4096, ("q",)), NodeReading("l", 8, 8, 16384, 16384, ("q",)))
    )
    large = Need(cores=8, memory_mib=16384)
    assert fold(reading, "q").fits(large, [Need(cores=2, memory_mib=4096)])
    assert not fold(reading, "q").fits(large, [Need(cores=3, memory_mib=4096)])
