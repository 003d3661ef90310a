"""What a survey answers, against the slow way of finding out: looking at every share, every node, every time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sampan.need import Need
from sampan_hub.capacity import Capacity, NodeReading, Reading
from sampan_hub.centre_facts import CentreFacts, Room, ShareFacts, front
from sampan_hub.in_flight import Claim
from sampan_hub.survey import Survey

NAMES = {"en": "East", "zh": "东部"}


def survey(shares: list[ShareFacts], nodes: list[NodeReading], pending: dict[str, int]) -> Survey:
    facts = CentreFacts("east", NAMES, tuple(shares))
    return Survey(facts, Capacity("east", Reading(tuple(nodes), pending), 0.0, 10.0))


rooms = st.builds(
    Room,
    cores=st.integers(1, 4),
    memory_mib=st.integers(1, 4),
    minutes=st.integers(1, 3),
    accelerators=st.dictionaries(st.sampled_from(["dcu", "gpu"]), st.integers(0, 2), max_size=2),
)
needs = st.builds(
    Need,
    cores=st.integers(1, 5),
    memory_mib=st.integers(1, 5),
    minutes=st.integers(1, 4),
    accelerator=st.sampled_from([None, None, "dcu"]),
    accelerators=st.integers(1, 2),
)
queues = ("a", "b", "c")
shares = st.lists(
    st.builds(
        ShareFacts,
        id=st.sampled_from(["s1", "s2", "s3", "s4"]),
        queue=st.sampled_from(queues),
        cores=st.integers(1, 5),
        memory_mib=st.integers(1, 5),
        max_minutes=st.integers(1, 4),
        accelerators=st.dictionaries(st.just("dcu"), st.integers(1, 2), max_size=1),
        cost=st.sampled_from([1.0, 2.0]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda share: share.id,
)


@st.composite
def node_lists(draw: st.DrawFn) -> list[NodeReading]:
    found = []
    for at in range(draw(st.integers(0, 5))):
        cores, memory, cards = (draw(st.integers(0, most)) for most in (5, 5, 2))
        over = tuple(draw(st.sets(st.sampled_from(queues), min_size=1)))
        cards_of = {"dcu": (2, cards)} if cards else {}
        found.append(NodeReading(f"n{at}", 5, cores, 5, memory, over, cards_of, up=draw(st.booleans())))
    return found


pendings = st.dictionaries(st.sampled_from(queues), st.integers(0, 2))
waits = st.dictionaries(
    st.tuples(st.just("east"), st.sampled_from(["s1", "s2", "s3"])), st.sampled_from([5.0, 9.0])
)


def fits(share: ShareFacts, node: NodeReading, need: Need) -> bool:
    cards = min(share.accelerators.get("dcu", 0), node.accelerators.get("dcu", (0, 0))[1])
    return (
        node.up
        and share.queue in node.queues
        and share.room is not None
        and share.room.holds(Need(cores=need.cores, memory_mib=need.memory_mib, minutes=need.minutes))
        and node.cores_free >= need.cores
        and node.memory_mib_free >= need.memory_mib
        and (need.accelerator is None or cards >= need.accelerators)
    )


def free(share: ShareFacts, nodes: list[NodeReading]) -> int:
    return sum(node.cores_free for node in nodes if node.up and share.queue in node.queues)


@given(shares, node_lists(), pendings, needs)
def test_now_is_the_cheapest_and_emptiest_that_has_room_and_nobody_waiting(
    some: list[ShareFacts], nodes: list[NodeReading], pending: dict[str, int], need: Need
) -> None:
    found = survey(some, nodes, pending).now(need)
    able = [
        share for share in some if not pending.get(share.queue) and any(fits(share, n, need) for n in nodes)
    ]
    best = min(able, key=lambda one: (one.cost, -free(one, nodes), one.max_minutes, one.id), default=None)
    assert (None if found is None else found.share) == best
    if found is not None:
        assert found.cores_free == free(found.share, nodes)


@given(shares, node_lists(), pendings, needs, waits)
def test_a_queue_is_found_for_whatever_runs_here_at_all(
    some: list[ShareFacts],
    nodes: list[NodeReading],
    pending: dict[str, int],
    need: Need,
    usual: dict[tuple[str, str], float],
) -> None:
    here = survey(some, nodes, pending)
    found = here.queue(need, usual)
    assert (found is not None) == any(room.holds(need) for room in here.most)
    if here.now(need) is not None:
        assert found is not None
    beside, _ = here.beside([], need, usual)
    assert (beside is None) == (found is None)
    if found is not None:
        assert (found.ahead, found.share.id) in {(pending.get(s.queue, 0), s.id) for s in some}


@given(shares, node_lists(), pendings, st.lists(needs, max_size=8), needs, waits)
def test_claims_leave_less_and_nothing_is_promised_twice(
    some: list[ShareFacts],
    nodes: list[NodeReading],
    pending: dict[str, int],
    wishes: list[Need],
    need: Need,
    usual: dict[tuple[str, str], float],
) -> None:
    here = survey(some, nodes, pending)
    claims: list[Claim] = []
    for at, wish in enumerate(wishes):
        standing, at_once = here.beside(claims, wish, usual)
        if at_once and standing is not None:
            claims.append(Claim(f"l{at}", "east", standing.share.id, wish))
    up = [node for node in nodes if node.up]
    assert sum(claim.need.cores for claim in claims) <= sum(node.cores_free for node in up)
    assert sum(claim.need.memory_mib for claim in claims) <= sum(node.memory_mib_free for node in up)
    standing, at_once = here.beside(claims, need, usual)
    if at_once:
        assert here.now(need) is not None, "claims make no room"
    if not claims:
        assert (standing if at_once else None) == here.now(need)


def test_the_queue_with_the_fewest_ahead_then_the_shortest_usual_wait() -> None:
    def share(name: str) -> ShareFacts:
        return ShareFacts(name, name, 8, 8192, 60)

    nodes = [NodeReading(name, 8, 0, 8192, 0, (name,)) for name in "abc"]
    here = survey([share(name) for name in "abc"], nodes, {"a": 1, "b": 3, "c": 1})
    need = Need(cores=2, memory_mib=1024, minutes=60)
    for usual, expected in (({}, "a"), ({("east", "a"): 60.0}, "c"), ({("east", "c"): 60.0}, "a")):
        found = here.queue(need, usual)
        assert found is not None
        assert found.share.id == expected
    claims = [Claim("l1", "east", "a", need)]
    found, at_once = here.beside(claims, need, {})
    assert found is not None
    assert (found.share.id, found.ahead, at_once) == ("c", 1, False)


def test_the_nodes_that_there_are_count_for_more_than_what_the_descriptor_promises() -> None:
    share = ShareFacts("main", "q", 64, 65536, 60)
    here = survey([share], [NodeReading("n", 8, 8, 16384, 16384, ("q",), up=False)], {})
    assert here.most == (Room(8, 16384, 60),)
    assert here.queue(Need(cores=9, memory_mib=1, minutes=60), {}) is None
    assert here.queue(Need(cores=8, memory_mib=1, minutes=60), {}) is not None
    unnamed = survey([share], [], {})
    assert unnamed.queue(Need(cores=64, memory_mib=1, minutes=60), {}) is not None


@given(st.lists(rooms, max_size=6), needs)
def test_the_front_loses_no_first_that_holds(some: list[Room], need: Need) -> None:
    kept = front(some, lambda room: room)
    first, of_kept = (next((room for room in those if room.holds(need)), None) for those in (some, kept))
    assert first == of_kept
