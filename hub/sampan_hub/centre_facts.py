"""What placement knows of a centre while its descriptor stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sampan.need import Need

__all__ = ["CentreFacts", "Room", "ShareFacts", "front"]


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


def front(rooms: Iterable[Room]) -> tuple[Room, ...]:
    """The rooms that no earlier one covers, in their order: enough to find the first that holds a need."""
    kept: list[Room] = []
    for room in rooms:
        if not any(earlier.covers(room) for earlier in kept):
            kept.append(room)
    return tuple(kept)


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

    @property
    def room(self) -> Room:
        return Room(self.cores, self.memory_mib, self.max_minutes, self.accelerators)


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
    most: tuple[Room, ...] = field(init=False, compare=False, repr=False)
    """The largest rooms that there ever are here: what none of them holds, no share does."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "most", front(share.room for share in self.shares))
