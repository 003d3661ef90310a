"""What one reading says of a centre, worked out once when it arrives, so that a decision only has to look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sampan.need import Need
from sampan_hub.capacity import Capacity, Closing, NodeReading
from sampan_hub.centre_facts import CentreFacts, Room, ShareFacts, Terms, front
from sampan_hub.histogram import Filling, Slot, fold, merged
from sampan_hub.in_flight import Claim
from sampan_hub.standing import Standing, Taken

__all__ = ["NONE_BARRED", "Barred", "Survey", "Waits"]


Row = tuple[Room, int, int]
"""A room for one job, the number of the share it is in, and that of the bin it is on (-1: free or not)."""
Waits = Mapping[tuple[str, str], float]
"""(centre, share) → seconds that jobs usually waited there."""
Barred = frozenset[str]
NONE_BARRED: Final[Barred] = frozenset()


@dataclass(frozen=True, slots=True)
class _Lot:
    """The rows of all shares with the same terms, the best first: there one order is right for every need."""

    terms: Terms
    shares: tuple[int, ...]
    rows: tuple[Row, ...]
    front: tuple[Row, ...]


class Survey:
    """A centre at one measured moment. Made anew for each reading; what it keeps besides follows from its arguments.

    `barred`, where it is asked for: ids of shares that are not for this person.
    """

    def __init__(self, facts: CentreFacts, capacity: Capacity) -> None:
        self.facts = facts
        self.capacity = capacity
        readings = merged(capacity.reading.nodes)
        self._bins = fold(readings)
        nodes: dict[str, list[NodeReading]] = {share.queue: [] for share in facts.shares}
        for node in readings:
            for queue in node.queues:
                if queue in nodes:
                    nodes[queue].append(node)
        self._by_queue: dict[str, list[int]] = {queue: [] for queue in nodes}
        for at, one in enumerate(self._bins):
            for queue in one.queues & nodes.keys():
                self._by_queue[queue].append(at)
        pending = capacity.reading.pending
        self._standings = tuple(
            Standing.of(share, nodes[share.queue], pending.get(share.queue, 0)) for share in facts.shares
        )
        self.rooms: Mapping[str, tuple[Room, ...]] = {
            share.id: _rooms(share, nodes[share.queue]) for share in facts.shares
        }
        """Share → the largest rooms that it ever has, also on nodes that are down now."""
        self.most = front(
            sorted((room for some in self.rooms.values() for room in some), key=_smallness), _itself
        )
        """The largest rooms there are here: what none of them holds never runs."""
        self._possible: list[Row] = [
            (room, at, -1) for at, share in enumerate(facts.shares) for room in self.rooms[share.id]
        ]
        # Whoever waits in a queue is served first: room for a small need behind a large one is not room now.
        idle = (at for at, standing in enumerate(self._standings) if not standing.ahead)
        self._free = self._lots(sorted(idle, key=lambda at: self._standings[at].liking()), self._free_rows)
        self._queued: tuple[_Lot, ...] = ()
        self._queue_waits: Waits | None = None

    def now(self, need: Need, barred: Barred = NONE_BARRED) -> Standing | None:
        """The share that runs the need now: the one that burns the fewest cards, the cheapest, then the emptiest."""
        able = self._each(self._free, need, barred)
        return able[0] if len(able) == 1 else _best(able, lambda standing: standing.liking(need))

    def has_room(self, need: Need, share: str) -> bool:
        """Whether a node of that share has room for the need, whoever waits there."""
        places = (at for at, one in enumerate(self.facts.shares) if one.id == share)
        return any(row[0].holds(need) for at in places for row in self._free_rows(at))

    def queue(self, need: Need, waits: Waits, barred: Barred = NONE_BARRED) -> Standing | None:
        """The share that runs the need soonest, of those that ever do."""
        able = self._each(self._in_order(waits), need, barred)
        return able[0] if len(able) == 1 else _best(able, lambda one: self._soonness(one, waits, need))

    def beside(
        self,
        claims: Sequence[Claim],
        need: Need,
        waits: Waits,
        barred_now: Barred = NONE_BARRED,
        barred: Barred = NONE_BARRED,
    ) -> tuple[Standing | None, bool]:
        """The share for the need once the claims have been given their places, and whether it runs it now.

        `barred_now`: shares not for this person just now; `barred`: shares that never are.
        """
        filling = Filling(self._bins, self._by_queue)
        taken = [self._take(filling, claim) for claim in claims]
        found = (self._free_beside(lot, filling, need, barred_now) for lot in self._free)
        able = [self._standings[at] for at in found if at is not None]
        now = _best(able, lambda standing: standing.liking(need))
        if now is not None:
            return now.after(taken), True
        found_soon = (self._soonest(lot, taken, need, waits, barred) for lot in self._in_order(waits))
        soon = [standing for standing in found_soon if standing is not None]
        return _best(soon, lambda standing: self._soonness(standing, waits, need)), False

    def closing(self, need: Need, standing: Standing) -> Closing | None:
        """The last of the share's nodes to close, of those that would have the room now but not for so long.

        Where others stay open, it may start there before this one opens again: then it is said to open now.
        """
        share = standing.share
        slots = [self._bins[at].slot for at in self._by_queue[share.queue]] if not standing.ahead else []
        closing = [
            slot.closing
            for slot in slots
            if slot.closing is not None
            and (room := _room(share, replace(slot, closing=None))) is not None
            and room.holds(need)
        ]
        last = max(closing, key=lambda one: one.minutes, default=None)
        if last is None or all(slot.closing is not None for slot in slots):
            return last
        return replace(last, opens_at=self.capacity.measured_at)

    def _lots(self, order: Sequence[int], rows_of: Callable[[int], Iterable[Row]]) -> tuple[_Lot, ...]:
        """The rows of the shares in that order, by what the shares make of a need."""
        members: dict[Terms, list[int]] = {}
        for at in order:
            members.setdefault(self.facts.shares[at].terms, []).append(at)
        lots = []
        for terms, shares in members.items():
            rows = tuple(row for at in shares for row in rows_of(at))
            lots.append(_Lot(terms, tuple(shares), rows, front(rows, _room_of)))
        return tuple(lots)

    def _free_rows(self, at: int) -> Iterable[Row]:
        """What is free for one job of the share, the largest first."""
        share = self.facts.shares[at]
        for place in reversed(self._by_queue[share.queue]):
            room = _room(share, self._bins[place].slot)
            if room is not None:
                yield room, at, place

    def _in_order(self, waits: Waits) -> tuple[_Lot, ...]:
        """What there ever is, the soonest first."""
        if waits is not self._queue_waits:
            shares = range(len(self._standings))
            order = sorted(shares, key=lambda at: self._soonness(self._standings[at], waits))
            rows: dict[int, list[Row]] = {at: [] for at in shares}
            for row in self._possible:
                rows[row[1]].append(row)
            self._queued, self._queue_waits = self._lots(order, lambda at: rows[at]), waits
        return self._queued

    def _each(self, lots: Sequence[_Lot], need: Need, barred: Barred) -> list[Standing]:
        """The best of each lot that holds the need."""
        found = []
        for lot in lots:
            row = self._first(lot, need, barred) if barred else _first(lot.front, need)
            if row is not None:
                found.append(self._standings[row[1]])
        return found

    def _first(self, lot: _Lot, need: Need, barred: Barred) -> Row | None:
        if not barred:
            return _first(lot.front, need)
        return next((row for row in lot.rows if self._open(row[1], barred) and row[0].holds(need)), None)

    def _open(self, at: int, barred: Barred) -> bool:
        return self.facts.shares[at].id not in barred

    def _take(self, filling: Filling, claim: Claim) -> Taken:
        """Gives a claim its place."""
        share = self.facts.share(claim.share)
        if share is None:
            return Taken(frozenset(), claim.need)
        need = share.terms.effective(claim.need)
        queues = filling.take(share.queue, need)
        if queues is not None:
            return Taken(queues, need)
        over = (self._bins[at].queues for at in self._by_queue[share.queue])
        return Taken(frozenset({share.queue}).union(share.overlaps, *over), need, waits=True)

    def _free_beside(self, lot: _Lot, filling: Filling, need: Need, barred: Barred) -> int | None:
        """The share of the lot that has a node for the need among what is left, the best first."""
        row = self._first(lot, need, barred)
        if row is not None and not filling.left(row[2]):
            # Its nodes are promised away; others, which it was better than, may do.
            left = (row for row in lot.rows if filling.left(row[2]) and self._open(row[1], barred))
            row = next((row for row in left if row[0].holds(need)), None)
        for at in lot.shares:
            if row is not None and at == row[1]:
                break
            if self._open(at, barred) and self._fits_beside(self.facts.shares[at], filling, need):
                return at
        return None if row is None else row[1]

    @staticmethod
    def _fits_beside(share: ShareFacts, filling: Filling, need: Need) -> bool:
        """Whether a node that something was put on has room left for the need, too."""
        rooms = (_room(share, slot) for slot, queues in filling.used if share.queue in queues)
        return any(room is not None and room.holds(need) for room in rooms)

    def _soonest(
        self, lot: _Lot, taken: Sequence[Taken], need: Need, waits: Waits, barred: Barred
    ) -> Standing | None:
        best: Standing | None = None
        for room, at, _ in lot.rows:
            if self._open(at, barred) and room.holds(need):
                standing = self._standings[at].after(taken)
                if best is None or self._soonness(standing, waits) < self._soonness(best, waits):
                    best = standing
                if standing is self._standings[at]:
                    # The claims make others wait longer, never shorter: nothing further on is sooner than this.
                    break
        return best

    def _soonness(self, standing: Standing, waits: Waits, need: Need | None = None) -> tuple[object, ...]:
        wait = waits.get((self.facts.id, standing.share.id), 0.0)
        return standing.ahead, wait, *standing.liking(need)


def _best(some: Sequence[Standing], key: Callable[[Standing], tuple[Any, ...]]) -> Standing | None:
    return min(some, key=key, default=None)


def _rooms(share: ShareFacts, nodes: Sequence[NodeReading]) -> tuple[Room, ...]:
    """What the share can ever give one job: its limits, on the nodes that there are, also on those that are down now."""
    if not nodes:
        # A scheduler that names no node of the queue has not said that there is none.
        return () if share.room is None else (share.room,)
    sizes = {
        Slot(
            node.cores, node.memory_mib, tuple((kind, all_) for kind, (all_, _) in node.accelerators.items())
        )
        for node in nodes
    }
    rooms = (_room(share, size) for size in sizes)
    return front(sorted((room for room in rooms if room is not None), key=_smallness), _itself)


def _room(share: ShareFacts, slot: Slot) -> Room | None:
    """What one job of the share may have on such a node; None where the node has too little for any job of it."""
    accelerators = {kind: min(count, share.accelerators.get(kind, 0)) for kind, count in slot.accelerators}
    cores, memory = min(slot.cores, share.cores), min(slot.memory_mib, share.memory_mib)
    left = share.max_minutes if slot.closing is None else min(share.max_minutes, slot.closing.minutes)
    return share.terms.room(cores, memory, left, accelerators)


def _smallness(room: Room) -> tuple[int, ...]:
    return -room.cores, -room.memory_mib, -room.minutes, -sum(room.accelerators.values())


def _itself(room: Room) -> Room:
    return room


def _room_of(row: Row) -> Room:
    return row[0]


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
