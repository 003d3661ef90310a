"""Capacity: per share, how many nodes have how much free at one measured moment, and until when that may be believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sampan.errors import Unavailable

__all__ = ["Capacity", "Closing", "NodeReading", "Reading", "believable"]

_MOST: Final = 1 << 40
"""No machine has more of anything, and no queue; a Slurm that does not count memory is read as having a lot of it."""


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


def believable(reading: Reading) -> Reading:
    """The reading, where it can be true. Raises `Unavailable` (centre.unbelievable) naming the first figure that cannot be.

    The readers of answers allow for what schedulers really say; this is for what none ever should, whoever reads.
    """
    for node in reading.nodes:
        figures = {"cores": (node.cores, node.cores_free), "memory": (node.memory_mib, node.memory_mib_free)}
        for what, (total, free) in (*figures.items(), *node.accelerators.items()):
            # NaN and infinity are no whole numbers.
            if type(total) is not int or type(free) is not int or not 0 <= free <= total <= _MOST:
                raise _untrue(f"{node.name}: {what} {free!r}/{total!r}")
    for queue, waiting in reading.pending.items():
        if type(waiting) is not int or not 0 <= waiting <= _MOST:
            raise _untrue(f"{queue}: waiting {waiting!r}")
    return reading


def _untrue(what: str) -> Unavailable:
    return Unavailable("centre.unbelievable", what=what[:100])


@dataclass(frozen=True, slots=True)
class Capacity:
    """A reading with its time. Out of date means unknown, never free. Times: seconds, the broker's monotonic wall clock."""

    centre: str
    reading: Reading
    measured_at: float
    valid_until: float
