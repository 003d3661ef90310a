"""Where a need may run, best first, with reasons in words. Values in, values out.

Hard needs filter; what is left is ranked by a tuple of questions, asked in this order: does it run now? has it kept its
word lately? does it hold the data? how soon does it start? what does it cost? how much is left free? The first question
that differs decides, and can be told to a person. There is no sum of weights in which a tie could hide.

How soon is, where it does not run now: what the centre's scheduler expects, coarsely, where it was asked; how many wait
ahead; how long it usually took. What is not asked or not told is behind. What it costs is: cards that are taken without
having been asked for, then core-hours.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from sampan.messages import Message, text
from sampan.need import Need
from sampan_hub.capacity import Capacity
from sampan_hub.centre_facts import CentreFacts, ShareFacts
from sampan_hub.doubts import NO_DOUBTS, Doubt, Doubts
from sampan_hub.in_flight import Claim
from sampan_hub.permits import NO_BARS, Bars, Permit
from sampan_hub.reasons import closes, in_line, lack, notes, room_now
from sampan_hub.spans import Span
from sampan_hub.standing import Standing
from sampan_hub.survey import NONE_BARRED, Barred, Survey, Waits

__all__ = ["Candidate", "CentreFacts", "Forecasts", "Offer", "Placement", "ShareFacts", "place"]

Verdict = Literal["now", "queue", "unknown", "no"]
_ORDER: Final[Mapping[Verdict, int]] = MappingProxyType({"now": 0, "queue": 1, "unknown": 2, "no": 3})
_NOW: Final[Verdict] = "now"
_QUEUE: Final[Verdict] = "queue"
_NO_WAITS: Final[Waits] = MappingProxyType({})
Forecasts = Mapping[tuple[str, str], float]
"""(centre, share) → in how many seconds the need is expected to start there, where somebody knows."""
_NO_FORECASTS: Final[Forecasts] = MappingProxyType({})
_UNFORESEEN: Final = 99


_NOTHING: Final[Mapping[str, Doubt]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Beside:
    """What a decision about one centre looks at beside its reading; `doubts` by share."""

    claims: Sequence[Claim] | None
    waits: Waits
    forecasts: Forecasts
    doubts: Mapping[str, Doubt]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A centre and what is believed of it now; `capacity` None: out of date, so unknown, never free."""

    facts: CentreFacts
    capacity: Capacity | None
    reachable: bool = True
    draining: bool = False
    age: int | None = None
    """Seconds since it was last heard; None: never."""
    survey: Survey | None = None
    """What `capacity` comes to, where that was worked out when it arrived; else it is worked out for each decision."""
    unfit: Message | None = None
    """Why nothing of ours could start there, where that is known beforehand."""
    permit: Permit | None = None
    """What the person's own limits there allow; None where they are not known, which is no reason to say no."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One share's answer to a need: a verdict with its reasons, the most telling one first.

    `ahead`: how many are seen to wait before it, None where it need not wait. `start`: how long starts like this took.
    """

    centre: str
    names: Mapping[str, str]
    share: str
    verdict: Verdict
    reasons: tuple[Message, ...]
    ahead: int | None = None
    start: Span | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "centre": self.centre,
            "names": dict(self.names),
            "share": self.share,
            "verdict": self.verdict,
            "reasons": [reason.to_json() for reason in self.reasons],
            "start": None if self.start is None else self.start.to_json(),
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
    waits: Waits = _NO_WAITS,
    forecasts: Forecasts = _NO_FORECASTS,
    doubted: Doubts = NO_DOUBTS,
) -> Placement:
    """Ranks the centres for a need.

    `in_flight`: promises that no reading shows yet, in the order in which they were made. `tried`: centres not to be asked
    again, and why. `waits`: seconds that jobs usually waited, per (centre, share); a mapping that does not change.
    `doubted`: what speaks against shares.
    """
    claims: dict[str, list[Claim]] = {}
    for claim in in_flight:
        claims.setdefault(claim.centre, []).append(claim)
    against: dict[str, dict[str, Doubt]] = {}
    for (centre, share), doubt in doubted.items():
        against.setdefault(centre, {})[share] = doubt
    ranked: list[tuple[tuple[object, ...], Offer]] = []
    refused: list[Offer] = []
    for candidate in candidates:
        facts = candidate.facts
        survey = _survey(candidate)
        bars = NO_BARS if candidate.permit is None else candidate.permit.bars(need)
        why = _refusal(need, candidate, survey, bars, tried)
        if why is not None:
            refused.append(Offer(facts.id, facts.names, "", "no", (why,)))
        elif survey is None:
            ranked.append(_unknown(need, candidate, bars))
        else:
            beside = _Beside(claims.get(facts.id), waits, forecasts, against.get(facts.id, _NOTHING))
            ranked.append(_known(need, survey, bars, beside))
    ranked.sort(key=lambda pair: pair[0])
    refused.sort(key=lambda offer: offer.centre)
    return Placement(need, tuple(offer for _, offer in ranked), tuple(refused))


def _survey(candidate: Candidate) -> Survey | None:
    """What is known of a centre; nothing while it cannot be reached, whatever it said before."""
    if candidate.capacity is None or not candidate.reachable:
        return None
    return candidate.survey or Survey(candidate.facts, candidate.capacity)


def _refusal(
    need: Need,
    candidate: Candidate,
    survey: Survey | None,
    bars: Bars,
    tried: Mapping[str, Message] | None,
) -> Message | None:
    """Why this centre is not asked at all; None where it can run the need sooner or later."""
    name = candidate.facts.id
    if need.centre is not None and need.centre != name:
        return Message("place.not_pinned")
    if tried and name in tried:
        return Message("place.tried", {"why": tried[name]})
    if candidate.draining:
        return Message("place.draining")
    if candidate.unfit is not None:
        return Message("environment.unfit", {"why": candidate.unfit})
    if need.software and need.software not in candidate.facts.software:
        return Message("place.software", {"want": need.software})
    rooms = candidate.facts.most if survey is None else survey.most
    if not any(room.holds(need) for room in rooms):
        return lack(need, rooms)
    if bars.never:
        able = _able(need, candidate.facts, survey)
        return None if able - bars.never.keys() else bars.never[min(able)]
    return None


def _able(need: Need, facts: CentreFacts, survey: Survey | None) -> frozenset[str]:
    """The shares that ever have room for the need."""
    rooms = {share.id: (share.room,) for share in facts.shares} if survey is None else survey.rooms
    return frozenset(
        share for share, some in rooms.items() if any(room is not None and room.holds(need) for room in some)
    )


def _known(need: Need, survey: Survey, bars: Bars, beside: _Beside) -> tuple[tuple[object, ...], Offer]:
    """The offer of a centre whose capacity is known, with the tuple it is ranked by."""
    facts = survey.facts
    standing, at_once = _standing(need, survey, bars, beside)
    share = standing.share
    doubt = beside.doubts.get(share.id)
    missing = len(frozenset(need.data) - facts.holds) if need.data else 0
    more = notes(need, share, holds=bool(need.data) and not missing)
    if at_once:
        offer = Offer(facts.id, facts.names, share.id, _NOW, (room_now(need, standing), *more))
        soon: tuple[object, ...] = (0, 0, 0, 0.0)
    else:
        forecast = beside.forecasts.get((facts.id, share.id))
        blind = not facts.tells_waiting
        why = bars.now.get(share.id) or (None if doubt is None else doubt.why)
        closing = survey.closing(need, standing) if why is None else None
        if closing is not None:
            # Behind what is closed for days nobody starts as soon as others did.
            forecast = max(forecast or 0.0, closing.opens_at - survey.capacity.measured_at) or forecast
            why = closes(closing)
        why = why or in_line(None if blind else standing.ahead, forecast)
        offer = Offer(facts.id, facts.names, share.id, _QUEUE, (why, *more), standing.ahead)
        soon = (_class(forecast), blind, standing.ahead, beside.waits.get((facts.id, share.id), 0.0))
    level = 0 if doubt is None else doubt.level
    rank = (_ORDER[offer.verdict], level, missing, *soon, *share.price(need), -standing.cores_free, facts.id)
    return rank, offer


def _standing(need: Need, survey: Survey, bars: Bars, beside: _Beside) -> tuple[Standing, bool]:
    """The best share of a centre that has one, and whether it runs the need at once; a doubted one where there is no other."""
    never = frozenset(bars.never) if bars.never else NONE_BARRED
    later = never | bars.now.keys() if bars.now else never
    if beside.doubts:
        standing, at_once = _free_or_soon(
            need, survey, beside, later | beside.doubts.keys(), never | beside.doubts.keys()
        )
        if standing is not None:
            return standing, at_once
        later |= beside.doubts.keys()
    standing, at_once = _free_or_soon(need, survey, beside, later, never)
    if standing is None:
        raise AssertionError(f"{survey.facts.id}: a room that no share has")
    return standing, at_once


def _free_or_soon(
    need: Need, survey: Survey, beside: _Beside, barred_now: Barred, barred: Barred
) -> tuple[Standing | None, bool]:
    if beside.claims:
        return survey.beside(beside.claims, need, beside.waits, barred_now, barred)
    standing = survey.now(need, barred_now)
    if standing is not None:
        return standing, True
    return survey.queue(need, beside.waits, barred), False


def _class(forecast: float | None) -> int:
    """How soon, by factors of four from a quarter of a minute on: no scheduler's forecast is worth finer steps."""
    return _UNFORESEEN if forecast is None else math.floor(math.log(max(forecast, 15.0) / 15.0, 4))


def _unknown(need: Need, candidate: Candidate, bars: Bars) -> tuple[tuple[object, ...], Offer]:
    """The offer of a centre of which nothing is known just now: behind all others, and never free."""
    facts = candidate.facts
    unheard = candidate.age is None
    why = Message("place.unheard") if unheard else Message("place.unknown", {"age": candidate.age or 0})
    if not candidate.reachable:
        why = Message("place.unreachable")
    able = _able(need, facts, None) - bars.never.keys()
    possible = (share for share in facts.shares if share.id in able)
    share = min(possible, key=lambda one: (*one.price(need), one.id))
    missing = len(frozenset(need.data) - facts.holds)
    more = notes(need, share, holds=bool(need.data) and not missing)
    rank = (_ORDER["unknown"], 0, missing, 0, 0, 0, 0.0, *share.price(need), 0, facts.id)
    return rank, Offer(facts.id, facts.names, share.id, "unknown", (why, *more))
