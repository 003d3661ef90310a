"""Capacity: per share, how many nodes have how much free at one measured moment, and until when that may be believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Capacity", "Closing", "NodeReading", "Reading"]


@dataclass(frozen=True, slots=True)
class Closing:
    """A node's end for a while: a job that starts now may take so many `minutes`. `opens_at`: when it takes jobs again."""

    minutes: int
    opens_at: float


@dataclass(frozen=True, slots=True)
class NodeReading:
    """One node as the scheduler reports it. `up` is False for a node that takes no new job (down, draining, reserved)."""

    name: str
    cores: int
    cores_free: int
    memory_mib: int
    memory_mib_free: int
    queues: tuple[str, ...]
    accelerators: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """type → (total, free)"""
    up: bool = True
    closing: Closing | None = None
    """None: it stays as it is, as far as is known."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer to the capacity question: the nodes once each (however many queues share them), jobs waiting per queue."""

    nodes: tuple[NodeReading, ...]
    pending: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Capacity:
    """A reading with its time. Out of date means unknown, never free. Times: seconds, the broker's monotonic wall clock."""

    centre: str
    reading: Reading
    measured_at: float
    valid_until: float
