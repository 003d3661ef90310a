"""Where a need may run, best first, with reasons in words. Values in, values out.

Hard needs filter; what is left is ranked by a tuple of questions, asked in this order: does it run now? does it hold the
data? how soon does it start? what does it cost? how much is left free? The first question that differs decides, and can
be told to a person. There is no sum of weights in which a tie could hide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from sampan.messages import Message, text
from sampan.need import Need
from sampan_hub.capacity import Capacity
from sampan_hub.histogram import fold
from sampan_hub.in_flight import Claim

__all__ = ["Candidate", "CentreFacts", "Offer", "Placement", "ShareFacts", "in_line", "place"]

Verdict = Literal["now", "queue", "unknown", "no"]
_ORDER: Final[Mapping[Verdict, int]] = {"now": 0, "queue": 1, "unknown": 2, "no": 3}


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


@dataclass(frozen=True, slots=True)
class CentreFacts:
    id: str
    names: Mapping[str, str]
    shares: tuple[ShareFacts, ...]
    holds: frozenset[str] = frozenset()
    """Catalogue entries that lie at this centre."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A centre and what is believed of it now; `capacity` None: out of date, so unknown, never free."""

    facts: CentreFacts
    capacity: Capacity | None
    reachable: bool = True
    draining: bool = False
    age: int = 0
    """Seconds since it was last heard."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One share's answer to a need: a verdict with its reasons, the most telling one first."""

    centre: str
    names: Mapping[str, str]
    share: str
    verdict: Verdict
    reasons: tuple[Message, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "centre": self.centre,
            "names": dict(self.names),
            "share": self.share,
            "verdict": self.verdict,
            "reasons": [reason.to_json() for reason in self.reasons],
        }


@dataclass(frozen=True, slots=True)
class Placement:
    """The ranked offers for one need, at most one a centre, and every centre refused with its reason."""

    need: Need
    ranked: tuple[Offer, ...]
    refused: tuple[Offer, ...]

    def why_nowhere(self) -> tuple[Message, ...]:
        """What each centre that refuses says."""
        return tuple(
            Message("centre.says", {"centre": text(offer.names), "why": offer.reasons[0]})
            for offer in self.refused
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "need": self.need.to_json(),
            "query": self.need.to_query(),
            "ranked": [offer.to_json() for offer in self.ranked],
            "refused": [offer.to_json() for offer in self.refused],
        }


def place(
    need: Need,
    candidates: Sequence[Candidate],
    *,
    in_flight: Iterable[Claim] = (),
    tried: Mapping[str, Message] | None = None,
    waits: Mapping[tuple[str, str], float] | None = None,
) -> Placement:
    """Ranks the centres for a need. `tried`: centres not to be asked again, and why; `waits`: typical seconds waited."""
    claims: dict[str, list[Claim]] = {}
    for claim in in_flight:
        claims.setdefault(claim.centre, []).append(claim)
    ranked: list[tuple[tuple[object, ...], Offer]] = []
    refused: list[Offer] = []
    for candidate in candidates:
        facts = candidate.facts
        if why := _refusal(need, candidate, (tried or {}).get(facts.id)):
            refused.append(Offer(facts.id, facts.names, "", "no", (why,)))
            continue
        possible, best_no = _fitting(need, facts)
        if best_no is not None:
            refused.append(Offer(facts.id, facts.names, "", "no", (best_no,)))
            continue
        offers = [_offer(need, candidate, share, claims.get(facts.id, ()), waits or {}) for share in possible]
        ranked.append(min(offers, key=lambda offer: offer[0]))
    ranked.sort(key=lambda pair: pair[0])
    refused.sort(key=lambda offer: offer.centre)
    return Placement(need, tuple(offer for _, offer in ranked), tuple(refused))


def _refusal(need: Need, candidate: Candidate, tried: Message | None) -> Message | None:
    """Why this centre is not asked at all."""
    if need.centre is not None and need.centre != candidate.facts.id:
        return Message("place.not_pinned")
    if tried is not None:
        return Message("place.tried", {"why": tried})
    if candidate.draining:
        return Message("place.draining")
    return None


def _fitting(need: Need, facts: CentreFacts) -> tuple[list[ShareFacts], Message | None]:
    """The shares that can ever run the need; where there is none, what the one that comes closest lacks."""
    lacks: list[tuple[int, Message]] = []
    possible = []
    for share in facts.shares:
        lack = _lack(need, share)
        if lack is None:
            possible.append(share)
        else:
            lacks.append(lack)
    if possible:
        return possible, None
    return [], max(lacks, key=lambda lack: lack[0], default=(0, Message("place.no_such_share")))[1]


def _lack(need: Need, share: ShareFacts) -> tuple[int, Message] | None:
    """What a share lacks, with how far it came: the later the question, the closer it is."""
    if need.accelerator and share.accelerators.get(need.accelerator, 0) < need.accelerators:
        return 0, Message("place.accelerator", {"want": need.accelerator, "count": need.accelerators})
    if need.cores > share.cores:
        return 1, Message("place.cores", {"have": share.cores, "want": need.cores})
    if need.memory_mib > share.memory_mib:
        have, want = _gib(share.memory_mib), _gib(need.memory_mib)
        return 2, Message("place.memory", {"have": have, "want": want})
    if need.minutes > share.max_minutes:
        have, want = _hours(share.max_minutes), _hours(need.minutes)
        return 3, Message("place.hours", {"have": have, "want": want})
    return None


def _offer(
    need: Need,
    candidate: Candidate,
    share: ShareFacts,
    claims: Iterable[Claim],
    waits: Mapping[tuple[str, str], float],
) -> tuple[tuple[object, ...], Offer]:
    """The share's offer with the tuple it is ranked by."""
    facts = candidate.facts
    verdict, reasons, ahead, free = _verdict(need, candidate, share, claims)
    missing = len([entry for entry in need.data if entry not in facts.holds])
    if need.data and not missing:
        reasons = (*reasons, Message("place.data"))
    wait = waits.get((facts.id, share.id), 0.0) if verdict != "now" else 0.0
    rank = (_ORDER[verdict], missing, ahead, wait, share.cost, -free, facts.id, share.id)
    return rank, Offer(facts.id, facts.names, share.id, verdict, reasons)


def _verdict(
    need: Need, candidate: Candidate, share: ShareFacts, claims: Iterable[Claim]
) -> tuple[Verdict, tuple[Message, ...], int, int]:
    """(verdict, reasons, how many are ahead, cores free)"""
    if not candidate.reachable:
        return "unknown", (Message("place.unreachable"),), 0, 0
    if candidate.capacity is None:
        return "unknown", (Message("place.unknown", {"age": candidate.age}),), 0, 0
    reading = candidate.capacity.reading
    here = fold(reading, share.queue)
    queues = {other.id: other.queue for other in candidate.facts.shares}
    # A claim on another share counts here too where both lie over the same nodes.
    taken = [
        claim.need
        for claim in claims
        if claim.share == share.id or here.nodes & fold(reading, queues.get(claim.share, "")).nodes
    ]
    free = max(0, here.cores_free - sum(claimed.cores for claimed in taken))
    # Whoever waits there already is served first: room for a small need behind a large one is not room now.
    if not here.pending and here.fits(need, taken):
        return "now", (Message("place.fits_now", {"free": free, "total": here.cores_total}),), 0, free
    ahead = here.pending + len(taken)
    return "queue", (in_line(ahead),), ahead, free


def _gib(mib: int) -> str:
    return f"{mib / 1024:.3f}".rstrip("0").rstrip(".")


def _hours(minutes: int) -> str:
    return f"{minutes / 60:.2f}".rstrip("0").rstrip(".")


def in_line(ahead: int) -> Message:
    """What is said of a queue with that many before one."""
    return Message("place.queue", {"ahead": ahead}) if ahead else Message("place.next")
