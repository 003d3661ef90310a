"""What a share has free, folded so that a decision needs no walk over nodes: made once for each reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sampan.need import Need
from sampan_hub.capacity import NodeReading, Reading

__all__ = ["Histogram", "Slot", "fold"]


@dataclass(frozen=True, slots=True)
class Slot:
    """What is free on one kind of node: cores, memory in MiB, and accelerators by type."""

    cores: int
    memory_mib: int
    accelerators: tuple[tuple[str, int], ...] = ()

    def holds(self, need: Need) -> bool:
        """Whether one such node has room for the whole need. Sums over nodes would hide that none has."""
        if self.cores < need.cores or self.memory_mib < need.memory_mib:
            return False
        return not need.accelerator or dict(self.accelerators).get(need.accelerator, 0) >= need.accelerators

    def without(self, need: Need) -> Slot:
        left = tuple(
            (kind, count - need.accelerators if kind == need.accelerator else count)
            for kind, count in self.accelerators
        )
        return Slot(self.cores - need.cores, self.memory_mib - need.memory_mib, left)


@dataclass(frozen=True)
class Histogram:
    """The nodes of one share by what is free on each. `nodes` says which: shares over the same nodes share them."""

    slots: Mapping[Slot, int]
    nodes: frozenset[str]
    cores_free: int
    cores_total: int
    pending: int

    def fits(self, need: Need, claims: Iterable[Need] = ()) -> bool:
        """Whether a node has room for `need` once `claims` have been given theirs, each on the first node that holds it."""
        claims = tuple(claims)
        if not claims:
            return any(slot.holds(need) for slot in self.slots)
        slots = Counter(self.slots)
        for claim in claims:
            taken = min((slot for slot in slots if slot.holds(claim)), key=_tightest, default=None)
            if taken is None:
                continue
            slots[taken] -= 1
            if not slots[taken]:
                del slots[taken]
            slots[taken.without(claim)] += 1
        return any(slot.holds(need) for slot in slots)


def _tightest(slot: Slot) -> tuple[int, int]:
    return slot.cores, slot.memory_mib


@lru_cache(maxsize=1024)
def _folded(reading: _Held, queue: str) -> Histogram:
    nodes = [node for node in reading.reading.nodes if queue in node.queues and node.up]
    return Histogram(
        slots=Counter(_slot(node) for node in nodes),
        nodes=frozenset(node.name for node in nodes),
        cores_free=sum(node.cores_free for node in nodes),
        cores_total=sum(node.cores for node in nodes),
        pending=reading.reading.pending.get(queue, 0),
    )


@dataclass(frozen=True, slots=True)
class _Held:
    """A reading as a key: two readings are the same only if they are one object."""

    reading: Reading

    def __hash__(self) -> int:
        return id(self.reading)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and other.reading is self.reading


def fold(reading: Reading, queue: str) -> Histogram:
    """The histogram of a queue, folded once for each reading."""
    return _folded(_Held(reading), queue)


def _slot(node: NodeReading) -> Slot:
    free = tuple(sorted((kind, free) for kind, (_, free) in node.accelerators.items()))
    return Slot(node.cores_free, node.memory_mib_free, free)
