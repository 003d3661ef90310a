"""What is free, folded: nodes alike are counted together, and each node once however many queues lie over it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sampan.need import Need
from sampan_hub.capacity import Closing, NodeReading

__all__ = ["Bin", "Filling", "Slot", "fold", "merged"]


@dataclass(frozen=True, slots=True)
class Slot:
    """What is free on one node: cores, memory in MiB, and accelerators by type; and until when, where that ends."""

    cores: int
    memory_mib: int
    accelerators: tuple[tuple[str, int], ...] = ()
    closing: Closing | None = None

    def holds(self, need: Need) -> bool:
        """Whether the node has room for the whole need. Sums over nodes would hide that none has."""
        if self.cores < need.cores or self.memory_mib < need.memory_mib:
            return False
        if self.closing is not None and self.closing.minutes < need.minutes:
            return False
        return not need.accelerator or dict(self.accelerators).get(need.accelerator, 0) >= need.accelerators

    @property
    def tightness(self) -> tuple[int, int, int]:
        """Orders nodes for filling: those with cards last, so that work without any leaves them free."""
        return sum(count for _, count in self.accelerators), self.cores, self.memory_mib

    def without(self, need: Need) -> Slot:
        """What is left when the need is there."""
        left = tuple(
            (kind, count - need.accelerators if kind == need.accelerator else count)
            for kind, count in self.accelerators
        )
        return replace(
            self,
            cores=self.cores - need.cores,
            memory_mib=self.memory_mib - need.memory_mib,
            accelerators=left,
        )


@dataclass(frozen=True, slots=True)
class Bin:
    """Nodes that take new jobs and are alike: how many, what is free on each, and which queues lie over them."""

    slot: Slot
    queues: frozenset[str]
    count: int = field(compare=False)


def merged(nodes: Sequence[NodeReading]) -> Sequence[NodeReading]:
    """Each node once: of one that was told of twice (once a queue, say) the worse is believed, with the queues of both."""
    if len({node.name for node in nodes}) == len(nodes):
        return nodes
    once: dict[str, NodeReading] = {}
    for node in nodes:
        once[node.name] = _joined(once[node.name], node) if node.name in once else node
    return tuple(once.values())


def _joined(one: NodeReading, other: NodeReading) -> NodeReading:
    cards = {
        kind: min(of[kind] for of in (one.accelerators, other.accelerators) if kind in of)
        for kind in {**one.accelerators, **other.accelerators}
    }
    return NodeReading(
        one.name,
        min(one.cores, other.cores),
        min(one.cores_free, other.cores_free),
        min(one.memory_mib, other.memory_mib),
        min(one.memory_mib_free, other.memory_mib_free),
        tuple(dict.fromkeys((*one.queues, *other.queues))),
        cards,
        up=one.up and other.up,
        closing=min(
            (node.closing for node in (one, other) if node.closing is not None),
            key=lambda closing: closing.minutes,
            default=None,
        ),
    )


def fold(nodes: Iterable[NodeReading]) -> tuple[Bin, ...]:
    """The nodes that are up, by what is free on them; the tightest first."""
    counted: Counter[tuple[Slot, frozenset[str]]] = Counter(
        (
            Slot(node.cores_free, node.memory_mib_free, _free(node.accelerators), node.closing),
            frozenset(node.queues),
        )
        for node in nodes
        if node.up
    )
    bins = (Bin(slot, queues, count) for (slot, queues), count in counted.items())
    return tuple(sorted(bins, key=lambda one: (one.slot.tightness, sorted(one.queues))))


class Filling:
    """Bins while needs are given their places in them, one after the other; the bins themselves stay as they are."""

    def __init__(self, bins: Sequence[Bin], by_queue: Mapping[str, Sequence[int]]) -> None:
        """`by_queue`: the numbers of each queue's bins, the tightest first."""
        self._bins = bins
        self._by_queue = by_queue
        self._taken: dict[int, int] = {}
        self._used: list[tuple[Slot, frozenset[str]]] = []

    def take(self, queue: str, need: Need) -> frozenset[str] | None:
        """Puts the need on the tightest node of the queue that holds it; returns the queues over that node.

        None where no node does: whoever asked waits, and takes nothing yet.
        """
        whole = next(
            (at for at in self._by_queue.get(queue, ()) if self.left(at) and self._bins[at].slot.holds(need)),
            None,
        )
        used = min(
            (node for node in self._used if queue in node[1] and node[0].holds(need)),
            key=lambda node: node[0].tightness,
            default=None,
        )
        if used is not None and (whole is None or used[0].tightness <= self._bins[whole].slot.tightness):
            self._used.remove(used)
            node = used
        elif whole is not None:
            self._taken[whole] = self._taken.get(whole, 0) + 1
            node = self._bins[whole].slot, self._bins[whole].queues
        else:
            return None
        self._used.append((node[0].without(need), node[1]))
        return node[1]

    def left(self, at: int) -> int:
        """How many nodes of that bin nothing was put on."""
        return self._bins[at].count - self._taken.get(at, 0)

    @property
    def used(self) -> Sequence[tuple[Slot, frozenset[str]]]:
        """What is left of the nodes that something was put on, with the queues over them."""
        return self._used


def _free(accelerators: Mapping[str, tuple[int, int]]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((kind, free) for kind, (_, free) in accelerators.items()))
