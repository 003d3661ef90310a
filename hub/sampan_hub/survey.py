"""What one reading says of a centre, worked out once when it arrives, so that a decision only has to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sampan.need import Need
from sampan_hub.capacity import Capacity, NodeReading
from sampan_hub.centre_facts import CentreFacts, Room, ShareFacts, front
from sampan_hub.histogram import Filling, Slot, fold
from sampan_hub.in_flight import Claim

__all__ = ["Standing", "Survey"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How one share stands: cores free and in all on its nodes that are up, and how many jobs wait there."""

    share: ShareFacts
    cores_free: int
    cores_total: int
    ahead: int


Row = tuple[Room, int, int]
"""A room for one job, the number of the share it is in, and that of the bin it is on (-1: free or not)."""
Waits = Mapping[tuple[str, str], float]
"""(centre, share) → seconds that jobs usually waited there."""


class Survey:
    """A centre at one measured moment. Made anew for each reading; what it keeps besides follows from its arguments."""

    def __init__(self, facts: CentreFacts, capacity: Capacity) -> None:
        self.facts = facts
        self.capacity = capacity
        self._bins = fold(capacity.reading.nodes)
        nodes: dict[str, list[NodeReading]] = {share.queue: [] for share in facts.shares}
        for node in capacity.reading.nodes:
            for queue in node.queues:
                if queue in nodes:
                    nodes[queue].append(node)
        self._by_queue: dict[str, list[int]] = {queue: [] for queue in nodes}
        for at, one in enumerate(self._bins):
            for queue in one.queues & nodes.keys():
                self._by_queue[queue].append(at)
        self._standings = tuple(_standing(share, nodes[share.queue], capacity) for share in facts.shares)
        rooms = [_rooms(share, nodes[share.queue]) for share in facts.shares]
        self.most = front(sorted((room for some in rooms for room in some), key=_smallness))
        """The largest rooms there are here: what none of them holds never runs."""
        self._possible: list[Row] = [(room, at, -1) for at, some in enumerate(rooms) for room in some]
        # Whoever waits in a queue is served first: room for a small need behind a large one is not room now.
        idle = (at for at, standing in enumerate(self._standings) if not standing.ahead)
        self._idle = sorted(idle, key=lambda at: _liking(self._standings[at]))
        self._free: list[Row] = [
            (_room(facts.shares[at], self._bins[place].slot), at, place)
            for at in self._idle
            for place in reversed(self._by_queue[facts.shares[at].queue])
        ]
        self._free_front = _front(self._free)
        self._queued: list[Row] = []
        self._queued_front: tuple[Row, ...] = ()
        self._queue_waits: Waits | None = None

    def now(self, need: Need) -> Standing | None:
        """The share that runs the need now, the cheapest and then the emptiest."""
        row = _first(self._free_front, need)
        return None if row is None else self._standings[row[1]]

    def queue(self, need: Need, waits: Waits) -> Standing | None:
        """The share that runs the need soonest, of those that ever do."""
        self._sort_queue(waits)
        row = _first(self._queued_front, need)
        return None if row is None else self._standings[row[1]]

    def beside(self, claims: Sequence[Claim], need: Need, waits: Waits) -> tuple[Standing | None, bool]:
        """The share for the need once the claims have been given their places, and whether it runs it now."""
        filling = Filling(self._bins, self._by_queue)
        taken = [self._take(filling, claim) for claim in claims]
        at = self._free_beside(filling, need)
        if at is not None:
            return self._after(at, taken), True
        self._sort_queue(waits)
        best: Standing | None = None
        for room, at, _ in self._queued:
            if room.holds(need):
                standing = self._after(at, taken)
                if best is None or self._soonness(standing, waits) < self._soonness(best, waits):
                    best = standing
                if standing is self._standings[at]:
                    # The claims make others wait longer, never shorter: nothing further on is sooner than this.
                    break
        return best, False

    def _sort_queue(self, waits: Waits) -> None:
        if waits is not self._queue_waits:
            self._queued = sorted(
                self._possible, key=lambda row: self._soonness(self._standings[row[1]], waits)
            )
            self._queued_front, self._queue_waits = _front(self._queued), waits

    def _take(self, filling: Filling, claim: Claim) -> tuple[frozenset[str], int]:
        """Gives a claim its place. Returns the queues that feel it, and the cores it takes from them."""
        queue = next((share.queue for share in self.facts.shares if share.id == claim.share), "")
        queues = filling.take(queue, claim.need)
        if queues is not None:
            return queues, claim.need.cores
        return frozenset({queue}).union(*(self._bins[at].queues for at in self._by_queue.get(queue, ()))), 0

    def _free_beside(self, filling: Filling, need: Need) -> int | None:
        """The share that has a node for the need among what is left, the cheapest and then the emptiest."""
        row = _first(self._free_front, need)
        if row is not None and not filling.left(row[2]):
            # Its nodes are promised away; others, which it was better than, may do.
            row = next((row for row in self._free if filling.left(row[2]) and row[0].holds(need)), None)
        for at in self._idle:
            if row is not None and at == row[1]:
                break
            share = self.facts.shares[at]
            if any(share.queue in queues and _room(share, slot).holds(need) for slot, queues in filling.used):
                return at
        return None if row is None else row[1]

    def _after(self, at: int, taken: Sequence[tuple[frozenset[str], int]]) -> Standing:
        standing = self._standings[at]
        mine = [cores for queues, cores in taken if standing.share.queue in queues]
        if not mine:
            return standing
        free = max(0, standing.cores_free - sum(mine))
        return replace(standing, ahead=standing.ahead + len(mine), cores_free=free)

    def _soonness(self, standing: Standing, waits: Waits) -> tuple[object, ...]:
        wait = waits.get((self.facts.id, standing.share.id), 0.0)
        return standing.ahead, wait, *_liking(standing)


def _standing(share: ShareFacts, nodes: Sequence[NodeReading], capacity: Capacity) -> Standing:
    return Standing(
        share,
        cores_free=sum(node.cores_free for node in nodes if node.up),
        cores_total=sum(node.cores for node in nodes if node.up),
        ahead=capacity.reading.pending.get(share.queue, 0),
    )


def _liking(standing: Standing) -> tuple[object, ...]:
    """What is liked better comes first: the cheaper, then the emptier, then always the same one."""
    return standing.share.cost, -standing.cores_free, standing.share.id


def _rooms(share: ShareFacts, nodes: Sequence[NodeReading]) -> tuple[Room, ...]:
    """What the share can ever give one job: its limits, on the nodes that there are, also on those that are down now."""
    sizes = {
        Slot(
            node.cores, node.memory_mib, tuple((kind, all_) for kind, (all_, _) in node.accelerators.items())
        )
        for node in nodes
    }
    # A scheduler that names no node of the queue has not said that there is none.
    return front(sorted((_room(share, size) for size in sizes), key=_smallness)) or (share.room,)


def _room(share: ShareFacts, slot: Slot) -> Room:
    """What one job of the share may have on such a node."""
    accelerators = {kind: min(count, share.accelerators.get(kind, 0)) for kind, count in slot.accelerators}
    return Room(
        min(slot.cores, share.cores), min(slot.memory_mib, share.memory_mib), share.max_minutes, accelerators
    )


def _smallness(room: Room) -> tuple[int, ...]:
    return -room.cores, -room.memory_mib, -room.minutes, -sum(room.accelerators.values())


def _front(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows that no earlier one covers: enough to find the first that holds a need."""
    kept: list[Row] = []
    for row in rows:
        if not any(earlier[0].covers(row[0]) for earlier in kept):
            kept.append(row)
    return tuple(kept)


def _first(rows: Sequence[Row], need: Need) -> Row | None:
    """The first row that holds the need. Written out for speed: this is what a decision spends its time with."""
    cores, memory, minutes, kind, count = (
        need.cores,
        need.memory_mib,
        need.minutes,
        need.accelerator,
        need.accelerators,
    )
    for row in rows:
        room = row[0]
        if (
            room.cores >= cores
            and room.memory_mib >= memory
            and room.minutes >= minutes
            and (not kind or room.accelerators.get(kind, 0) >= count)
        ):
            return row
    return None
