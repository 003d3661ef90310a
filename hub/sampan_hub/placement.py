"""Where a need may run, best first, with reasons in words. Values in, values out.

Hard needs filter; what is left is ranked by a tuple of questions, asked in this order: does it run now? does it hold the
data? how soon does it start? what does it cost? how much is left free? The first question that differs decides, and can
be told to a person. There is no sum of weights in which a tie could hide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from sampan.messages import Message, text
from sampan.need import Need
from sampan_hub.capacity import Capacity
from sampan_hub.centre_facts import CentreFacts, Room, ShareFacts
from sampan_hub.in_flight import Claim
from sampan_hub.survey import Standing, Survey, Waits

__all__ = ["Candidate", "CentreFacts", "Offer", "Placement", "ShareFacts", "in_line", "place"]

Verdict = Literal["now", "queue", "unknown", "no"]
_ORDER: Final[Mapping[Verdict, int]] = MappingProxyType({"now": 0, "queue": 1, "unknown": 2, "no": 3})
_NOW: Final[Verdict] = "now"
_QUEUE: Final[Verdict] = "queue"
_NO_WAITS: Final[Waits] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A centre and what is believed of it now; `capacity` None: out of date, so unknown, never free."""

    facts: CentreFacts
    capacity: Capacity | None
    reachable: bool = True
    draining: bool = False
    age: int = 0
    """Seconds since it was last heard."""
    survey: Survey | None = None
    """What `capacity` comes to, where that was worked out when it arrived; else it is worked out for each decision."""


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
    waits: Waits | None = None,
) -> Placement:
    """Ranks the centres for a need.

    `in_flight`: promises that no reading shows yet, in the order in which they were made. `tried`: centres not to be asked
    again, and why. `waits`: seconds that jobs usually waited, per (centre, share); a mapping that does not change.
    """
    claims: dict[str, list[Claim]] = {}
    for claim in in_flight:
        claims.setdefault(claim.centre, []).append(claim)
    ranked: list[tuple[tuple[object, ...], Offer]] = []
    refused: list[Offer] = []
    for candidate in candidates:
        facts = candidate.facts
        survey = _survey(candidate)
        why = _refusal(need, candidate, survey, tried)
        if why is not None:
            refused.append(Offer(facts.id, facts.names, "", "no", (why,)))
        elif survey is None:
            ranked.append(_unknown(need, candidate))
        else:
            ranked.append(_known(need, survey, claims.get(facts.id), waits or _NO_WAITS))
    ranked.sort(key=lambda pair: pair[0])
    refused.sort(key=lambda offer: offer.centre)
    return Placement(need, tuple(offer for _, offer in ranked), tuple(refused))


def _survey(candidate: Candidate) -> Survey | None:
    """What is known of a centre; nothing while it cannot be reached, whatever it said before."""
    if candidate.capacity is None or not candidate.reachable:
        return None
    return candidate.survey or Survey(candidate.facts, candidate.capacity)


def _refusal(
    need: Need, candidate: Candidate, survey: Survey | None, tried: Mapping[str, Message] | None
) -> Message | None:
    """Why this centre is not asked at all; None where it can run the need sooner or later."""
    name = candidate.facts.id
    if need.centre is not None and need.centre != name:
        return Message("place.not_pinned")
    if tried and name in tried:
        return Message("place.tried", {"why": tried[name]})
    if candidate.draining:
        return Message("place.draining")
    if need.software and need.software not in candidate.facts.software:
        return Message("place.software", {"want": need.software})
    rooms = candidate.facts.most if survey is None else survey.most
    for room in rooms:
        if room.holds(need):
            return None
    return _lack(need, rooms)


def _lack(need: Need, rooms: Sequence[Room]) -> Message:
    """What is missing where no room holds the need. Each question is asked of the rooms that the ones before left over."""
    if not rooms:
        return Message("place.no_such_share")
    kind = need.accelerator
    if kind:
        with_kind = [room for room in rooms if room.accelerators.get(kind, 0) >= need.accelerators]
        if not with_kind:
            return Message("place.accelerator", {"want": kind, "count": need.accelerators})
        rooms = with_kind
    wide = [room for room in rooms if room.cores >= need.cores]
    if not wide:
        return Message("place.cores", {"have": max(room.cores for room in rooms), "want": need.cores})
    large = [room for room in wide if room.memory_mib >= need.memory_mib]
    if not large:
        most = max(room.memory_mib for room in wide)
        return Message(
            "place.memory", {"have": _decimal(most / 1024), "want": _decimal(need.memory_mib / 1024)}
        )
    longest = max(room.minutes for room in large)
    return Message("place.hours", {"have": _decimal(longest / 60), "want": _decimal(need.minutes / 60)})


def _known(
    need: Need, survey: Survey, claims: Sequence[Claim] | None, waits: Waits
) -> tuple[tuple[object, ...], Offer]:
    """The offer of a centre whose capacity is known, with the tuple it is ranked by."""
    facts = survey.facts
    standing: Standing | None
    if claims:
        standing, at_once = survey.beside(claims, need, waits)
    else:
        standing = survey.now(need)
        at_once = standing is not None
        if standing is None:
            standing = survey.queue(need, waits)
    if standing is None:
        raise AssertionError(f"{facts.id}: a room that no share has")
    share = standing.share
    if at_once:
        numbers = {"free": standing.cores_free, "total": standing.cores_total}
        verdict, why, ahead, wait = _NOW, Message("place.fits_now", numbers), 0, 0.0
    else:
        verdict, why, ahead = _QUEUE, in_line(standing.ahead), standing.ahead
        wait = waits.get((facts.id, share.id), 0.0)
    missing, reasons = _data(need, facts, why)
    rank = (_ORDER[verdict], missing, ahead, wait, share.cost, -standing.cores_free, facts.id)
    return rank, Offer(facts.id, facts.names, share.id, verdict, reasons)


def in_line(ahead: int) -> Message:
    """What is said of a queue with that many before one."""
    return Message("place.queue", {"ahead": ahead}) if ahead else Message("place.next")


def _unknown(need: Need, candidate: Candidate) -> tuple[tuple[object, ...], Offer]:
    """The offer of a centre of which nothing is known just now: behind all others, and never free."""
    facts = candidate.facts
    code = Message("place.unknown", {"age": candidate.age})
    why = code if candidate.reachable else Message("place.unreachable")
    possible = (share for share in facts.shares if share.room.holds(need))
    share = min(possible, key=lambda one: (one.cost, one.id))
    missing, reasons = _data(need, facts, why)
    rank = (_ORDER["unknown"], missing, 0, 0.0, share.cost, 0, facts.id)
    return rank, Offer(facts.id, facts.names, share.id, "unknown", reasons)


def _data(need: Need, facts: CentreFacts, why: Message) -> tuple[int, tuple[Message, ...]]:
    """How many of the entries that the need names are not there, and the reasons with that where all are."""
    if not need.data:
        return 0, (why,)
    missing = len(frozenset(need.data) - facts.holds)
    return missing, (why,) if missing else (why, Message("place.data"))


def _decimal(amount: float) -> str:
    return f"{amount:.3f}".rstrip("0").rstrip(".")
