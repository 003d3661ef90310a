"""What is free, folded; and needs given their places in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sampan.need import Need
from sampan_hub.capacity import NodeReading
from sampan_hub.histogram import Bin, Filling, Slot, fold, merged

BOTH = frozenset({"q", "long"})
NODES = (
    NodeReading("n1", 8, 4, 16384, 8192, ("q", "long")),
    NodeReading("n2", 8, 4, 16384, 8192, ("long", "q")),
    NodeReading("n3", 8, 8, 16384, 16384, ("long",), up=False),
    NodeReading("n4", 8, 2, 16384, 16384, ("q",), {"dcu": (4, 3)}),
    NodeReading("n5", 8, 4, 16384, 8192, ("q",)),
)


def filling(*nodes: NodeReading) -> Filling:
    bins = fold(nodes)
    queues = {queue for one in bins for queue in one.queues}
    return Filling(bins, {q: [at for at, one in enumerate(bins) if q in one.queues] for q in queues})


def test_nodes_alike_are_counted_together_and_those_that_are_down_not_at_all() -> None:
    bins = fold(NODES)
    assert set(bins) == {
        Bin(Slot(4, 8192), BOTH, 2),
        Bin(Slot(4, 8192), frozenset({"q"}), 1),
        Bin(Slot(2, 16384, (("dcu", 3),)), frozenset({"q"}), 1),
    }
    assert sum(one.count for one in bins) == 4, "each node once, however many queues lie over it"
    assert bins[-1].slot.accelerators, "nodes with cards are filled last"
    assert fold(reversed(NODES)) == bins


def test_one_node_holds_the_whole_need_or_none_does() -> None:
    slot = Slot(4, 8192, (("dcu", 2),))
    assert slot.holds(Need(cores=4, memory_mib=8192, accelerator="dcu", accelerators=2))
    assert not slot.holds(Need(cores=5, memory_mib=1))
    assert not slot.holds(Need(cores=1, memory_mib=8193))
    assert not slot.holds(Need(accelerator="dcu", accelerators=3))
    assert not slot.holds(Need(accelerator="gpu", accelerators=1))


def test_a_need_goes_where_it_fits_tightest_and_leaves_the_large_node_free() -> None:
    small = NodeReading("s", 8, 2, 16384, 4096, ("q",))
    large = NodeReading("l", 8, 8, 16384, 16384, ("q",))
    placed = filling(large, small)
    assert placed.take("q", Need(cores=2, memory_mib=4096))
    assert placed.take("q", Need(cores=8, memory_mib=16384))
    assert placed.take("q", Need(cores=1, memory_mib=1)) is None
    placed = filling(large, small)
    assert placed.take("q", Need(cores=3, memory_mib=4096))
    assert placed.take("q", Need(cores=8, memory_mib=16384)) is None


def test_what_is_left_of_a_node_is_filled_before_a_whole_one() -> None:
    placed = filling(NODES[0], NODES[1])
    for _ in range(2):
        assert placed.take("q", Need(cores=2, memory_mib=1024)) == BOTH
    assert placed.left(0) == 1
    assert [slot for slot, _ in placed.used] == [Slot(0, 6144)]


def test_a_need_is_put_on_the_nodes_of_its_own_queue() -> None:
    placed = filling(NodeReading("a", 8, 8, 16384, 16384, ("other",)))
    assert placed.take("q", Need()) is None
    assert placed.take("other", Need()) == frozenset({"other"})


sizes = st.tuples(st.integers(0, 8), st.integers(0, 8192), st.integers(0, 2))
needs = st.builds(
    Need,
    cores=st.integers(1, 5),
    memory_mib=st.integers(1, 5000),
    accelerator=st.sampled_from([None, "dcu"]),
    accelerators=st.just(1),
)


@given(st.lists(sizes, max_size=5), st.lists(needs, max_size=12))
def test_no_node_is_ever_given_more_than_it_has(
    nodes: list[tuple[int, int, int]], wishes: list[Need]
) -> None:
    readings = [
        NodeReading(f"n{at}", 8, cores, 8192, memory, ("q",), {"dcu": (2, cards)})
        for at, (cores, memory, cards) in enumerate(nodes)
    ]
    placed = filling(*readings)
    given_places = [need for need in wishes if placed.take("q", need)]
    for slot, _ in placed.used:
        assert slot.cores >= 0
        assert slot.memory_mib >= 0
        assert all(count >= 0 for _, count in slot.accelerators)
    assert all(placed.left(at) >= 0 for at in range(len(fold(readings))))
    free = sum(slot.cores for slot, _ in placed.used)
    free += sum(one.slot.cores * placed.left(at) for at, one in enumerate(fold(readings)))
    assert free == sum(cores for cores, _, _ in nodes) - sum(need.cores for need in given_places)


def test_a_node_that_is_told_of_twice_is_one_node_and_the_worse_is_believed() -> None:
    one = NodeReading("n1", 8, 8, 16384, 8192, ("q",), {"dcu": (4, 3)})
    other = NodeReading("n1", 8, 4, 16384, 9000, ("long", "q"), {"dcu": (4, 1), "gpu": (1, 1)})
    cards = {"dcu": (4, 1), "gpu": (1, 1)}
    assert merged([one, NODES[1], other]) == (
        NodeReading("n1", 8, 4, 16384, 8192, ("q", "long"), cards),
        NODES[1],
    )
    down = NodeReading("n1", 8, 8, 16384, 8192, ("long",), up=False)
    assert fold(merged([one, down])) == ()
    assert merged(NODES) is NODES
