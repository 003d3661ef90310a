"""Centres for tests of placement, in one line each."""

from __future__ import annotations

from collections.abc import Mapping

from sampan.need import Need
from sampan_hub.capacity import Capacity, NodeReading, Reading
from sampan_hub.placement import Candidate, CentreFacts, Placement, ShareFacts

__all__ = ["NEED", "centre", "node", "order", "why"]

NEED = Need(cores=2, memory_mib=4096, minutes=60)


def node(
    name: str, free: int, *, cores: int = 8, memory: int = 16384, queues: tuple[str, ...] = ("q",)
) -> NodeReading:
    return NodeReading(name, cores, free, memory, memory * free // cores, queues)


def centre(
    name: str,
    *nodes: NodeReading,
    pending: Mapping[str, int] | None = None,
    shares: tuple[ShareFacts, ...] = (ShareFacts("main", "q", 8, 16384, 480),),
    holds: frozenset[str] = frozenset(),
    stale: bool = False,
) -> Candidate:
    reading = Reading(nodes, pending or {})
    facts = CentreFacts(name, {"en": name.title(), "zh": name}, shares, holds)
    return Candidate(facts, None if stale else Capacity(name, reading, 100.0, 110.0))


def order(placement: Placement) -> list[tuple[str, str]]:
    return [(offer.centre, offer.verdict) for offer in placement.ranked]


def why(placement: Placement, name: str) -> str:
    return next(offer.reasons[0].code for offer in placement.refused if offer.centre == name)
