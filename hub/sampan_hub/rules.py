"""What holds for everybody at a centre for a while, whatever the moment's capacity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from sampan_hub.capacity import Closing, Reading

__all__ = ["NO_RULES", "Closure", "Rules", "with_closings"]

_MARGIN: Final = 30.0
"""Seconds that may pass until a job that is decided on now has started."""


@dataclass(frozen=True, slots=True)
class Closure:
    """For maintenance, or reserved for others: no job runs on those nodes then. Seconds since the epoch."""

    nodes: frozenset[str]
    starts_at: float
    ends_at: float


@dataclass(frozen=True, slots=True)
class Rules:
    """`qualities`: queue → the quality of service whose limits hold for everybody there, as its scheduler calls it.

    `closures`: those to come.
    """

    qualities: Mapping[str, str] = field(default_factory=dict)
    closures: tuple[Closure, ...] = ()


NO_RULES = Rules()


def with_closings(reading: Reading, rules: Rules, now: float) -> Reading:
    """The nodes with how long each has until it is closed; of two closures the first one counts."""
    coming = [closure for closure in rules.closures if closure.ends_at > now]
    if not coming:
        return reading
    found: dict[str, Closing] = {}
    for closure in sorted(coming, key=lambda one: one.starts_at, reverse=True):
        left = max(0, int((closure.starts_at - now - _MARGIN) // 60))
        found |= dict.fromkeys(closure.nodes, Closing(left, closure.ends_at))
    return replace(
        reading, nodes=tuple(replace(node, closing=found.get(node.name)) for node in reading.nodes)
    )
