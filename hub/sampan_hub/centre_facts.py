"""What placement knows of a centre while its descriptor stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sampan.need import Need
from sampan_hub.demands import demanded_cards, demanded_project
from sampan_hub.descriptor import Descriptor, Share

__all__ = ["CentreFacts", "Room", "ShareFacts", "Terms", "front"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Room:
    """What one job may have at most: cores, memory in MiB, minutes, accelerators by type."""

    cores: int
    memory_mib: int
    minutes: int
    accelerators: Mapping[str, int] = field(default_factory=dict)

    def holds(self, need: Need) -> bool:
        """Whether the whole need fits. Sums over nodes would hide that no single node has room for it."""
        return (
            self.cores >= need.cores
            and self.memory_mib >= need.memory_mib
            and self.minutes >= need.minutes
            and (not need.accelerator or self.accelerators.get(need.accelerator, 0) >= need.accelerators)
        )

    def covers(self, other: Room) -> bool:
        """Whether everything that fits there fits here."""
        return (
            self.cores >= other.cores
            and self.memory_mib >= other.memory_mib
            and self.minutes >= other.minutes
            and all(self.accelerators.get(kind, 0) >= count for kind, count in other.accelerators.items())
        )


def front(some: Iterable[T], room_of: Callable[[T], Room]) -> tuple[T, ...]:
    """Those whose room no earlier one covers, in their order: enough to find the first that holds a need."""
    kept: list[T] = []
    rooms: list[Room] = []
    for one in some:
        room = room_of(one)
        if not any(earlier.covers(room) for earlier in rooms):
            kept.append(one)
            rooms.append(room)
    return tuple(kept)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a share makes of whatever is asked of it.

    `cards` of `card`: each job takes them, asked for or not. `mib_per_core`: the memory that comes with a core, where the
    site charges further cores for more of it; 0 where memory costs none.
    """

    card: str = ""
    cards: int = 0
    mib_per_core: int = 0

    @property
    def plain(self) -> bool:
        """Whether every need is taken as it is."""
        return not self.cards and not self.mib_per_core

    def effective(self, need: Need) -> Need:
        """The need as the share counts it, which is also what is submitted there: never less than what was asked for.

        Where memory is charged the rule is Slurm's for MaxMemPerCPU: as many cores as it takes for each to bring no more
        than its share of the memory, rounded up.
        """
        if self.plain:
            return need
        kind, count = self.taken(need)
        return replace(
            need, cores=self.charged(need), accelerator=kind or need.accelerator, accelerators=count
        )

    def charged(self, need: Need) -> int:
        """Cores of the effective need."""
        cores, size = need.cores, self.mib_per_core
        return max(cores, -(-need.memory_mib // size)) if size else cores

    def taken(self, need: Need) -> tuple[str, int]:
        """Cards of the effective need: kind and count."""
        kind, count = need.accelerator or "", need.accelerators
        if self.cards and kind in ("", self.card):
            return self.card, max(count if kind else 0, self.cards)
        return kind, count

    def burned(self, need: Need) -> int:
        """How many cards a job takes that did not ask for them."""
        return max(0, self.cards - (need.accelerators if need.accelerator == self.card else 0))

    def room(self, cores: int, memory_mib: int, minutes: int, accelerators: Mapping[str, int]) -> Room | None:
        """What of this much one job may have; None where it is too little for what every job takes.

        A queue that demands cards of one kind is for those cards: a job that wants others goes elsewhere.
        """
        if self.cards:
            if accelerators.get(self.card, 0) < self.cards:
                return None
            accelerators = {self.card: accelerators[self.card]}
        if self.mib_per_core:
            memory_mib = min(memory_mib, cores * self.mib_per_core)
        return Room(cores, memory_mib, minutes, accelerators)


_PLAIN = Terms()


@dataclass(frozen=True, slots=True)
class ShareFacts:
    """What never changes while a descriptor stands: limits of one share. `cores`, `memory_mib`: the most one node gives."""

    id: str
    queue: str
    cores: int
    memory_mib: int
    max_minutes: int
    accelerators: Mapping[str, int] = field(default_factory=dict)
    cost: float = 1.0
    """Core-hours charged for one core and hour; only compared."""
    terms: Terms = _PLAIN
    overlaps: frozenset[str] = frozenset()
    """Queues over the same nodes, as the descriptor says."""
    project: str = ""
    """The scheduler's project account that every job here is charged to; empty: the person's usual one."""

    @classmethod
    def of(cls, share: Share, queues: Mapping[str, str]) -> ShareFacts:
        """What a descriptor says of a share. `queues`: share → queue, of all of the centre's."""
        card, cards = demanded_cards(share.demands, share.accelerators)
        charged = round(share.memory_per_core_gib * 1024) if share.memory_charges_cores else 0
        return cls(
            share.id,
            share.queue,
            share.cores,
            share.memory_mib,
            round(share.max_hours * 60),
            dict(share.accelerators),
            share.cost,
            Terms(card, cards, charged),
            frozenset(queues[other] for other in share.overlaps),
            demanded_project(share.demands),
        )

    @property
    def room(self) -> Room | None:
        """The most that a job here may have; None where what the queue demands is more than a node has."""
        return self.terms.room(self.cores, self.memory_mib, self.max_minutes, self.accelerators)

    def price(self, need: Need) -> tuple[int, float]:
        """What the need costs here: cards that it did not ask for, then core-hours charged an hour. Only compared."""
        return self.terms.burned(need), self.cost * self.terms.charged(need)


@dataclass(frozen=True, slots=True)
class CentreFacts:
    """A centre as placement sees it."""

    id: str
    names: Mapping[str, str]
    shares: tuple[ShareFacts, ...]
    holds: frozenset[str] = frozenset()
    """Catalogue entries that lie at this centre."""
    software: frozenset[str] = frozenset()
    """Names of the environments that this centre has."""
    tells_waiting: bool = True
    """Whether all that waits there is told; else we see our own and those of a few, and say nobody's place."""
    most: tuple[Room, ...] = field(init=False, compare=False, repr=False)
    """The largest rooms that there ever are here: what none of them holds, no share does."""

    def __post_init__(self) -> None:
        rooms = (share.room for share in self.shares)
        object.__setattr__(
            self, "most", front((room for room in rooms if room is not None), lambda room: room)
        )

    @classmethod
    def of(cls, descriptor: Descriptor) -> CentreFacts:
        """What a descriptor says. Where only one side says that two shares overlap, both do."""
        queues = {share.id: share.queue for share in descriptor.shares}
        shares = [ShareFacts.of(share, queues) for share in descriptor.shares]
        return cls(
            descriptor.id,
            descriptor.names.model_dump(),
            tuple(replace(share, overlaps=_overlaps(share, shares)) for share in shares),
            software=frozenset(descriptor.environment.software),
            tells_waiting=descriptor.scheduler.sees_all_jobs,
        )

    def share(self, name: str) -> ShareFacts | None:
        return next((share for share in self.shares if share.id == name), None)


def _overlaps(share: ShareFacts, shares: Iterable[ShareFacts]) -> frozenset[str]:
    return share.overlaps.union(other.queue for other in shares if share.queue in other.overlaps)
