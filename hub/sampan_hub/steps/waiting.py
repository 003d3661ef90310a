"""What is said of a wait while it lasts, and what is remembered of it when it is over."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Literal

from sampan.errors import Missing
from sampan.messages import Message
from sampan.need import Need
from sampan_hub.doubts import Outcome, learned
from sampan_hub.jobs import JobStatus
from sampan_hub.placement import Placement
from sampan_hub.records import Attempt, Launch, need_of
from sampan_hub.services import Services
from sampan_hub.spans import Span, amount
from sampan_hub.waits import Wait, interval, remaining

__all__ = ["expected_wait", "gave_up", "in_queue", "started", "turned_out", "watch_word", "with_starts"]

log = logging.getLogger(__name__)

_KEEPS_ITS_WORD = 60.0
"""Seconds within which a job starts for which there is room, also where a scheduler looks only once a minute."""
_GIVEN_UP = frozenset({"ended.moved", "ended.queue_limit", "ended.stopped"})
"""Ends of a wait that are not its centre's doing: it would have lasted longer."""


def with_starts(services: Services, placement: Placement) -> Placement:
    """The placement with how long such starts took at each place that may run the need, as far as anybody knows."""
    ranked = []
    for offer in placement.ranked:
        if offer.verdict != "unknown":
            centre = services.centre(offer.centre)
            span = interval(
                services.history.of(offer.centre, offer.share),
                centre.takes(offer.share, placement.need),
                ahead=offer.ahead,
                predicted=services.hints.said(centre, offer.share, placement.need),
            )
            offer = replace(offer, start=span)
        ranked.append(offer)
    return replace(placement, ranked=tuple(ranked))


def in_queue(
    services: Services, launch: Launch, attempt: Attempt, place: int | None, starts_at: float | None = None
) -> Message:
    """What is said of one that waits in that place of a queue; None where its centre does not tell places.

    `starts_at`: when the scheduler plans to start this very job, by its own clock. Said anew when the place changes, when
    such a plan comes to where nothing was known, and when the wait has become unusually long, not at each look: a person
    reads it.
    """
    waits = services.history.of(attempt.centre, attempt.share)
    need = _taken(services, launch, attempt)
    waited = max(0.0, services.now() - (attempt.submitted_at or services.now()))
    left = remaining(waits, need, waited, ahead=(place or 1) - 1)
    plan = _plan(services, attempt, waited, starts_at)
    said = launch.message
    code, told = ("launch.queued_unseen", {}) if place is None else ("launch.queued_wait", {"place": place})
    same = said.code == code and said.params.get("place") == place
    told_wait = said.params.get("wait")
    planned_now = plan is not None and told_wait == Message("wait.not_known")
    if same and not planned_now and (left is not None or told_wait == Message("wait.long")):
        return said
    if left is None:
        wait = Message("wait.long")
    elif left.sure:
        wait = Message("wait.remaining", {"span": left.range()})
    else:
        wait = _expected(interval(waits, need, ahead=(place or 1) - 1), plan)
    return Message(code, {"centre": services.say(attempt.centre), **told, "wait": wait})


def _plan(services: Services, attempt: Attempt, waited: float, starts_at: float | None) -> float | None:
    """In how many seconds the scheduler means to start it, by the last it said; None where it said nothing, or that has passed."""
    if starts_at is not None:
        left = services.hints.by_our_clock(attempt.centre, starts_at) - services.now()
    else:
        left = (attempt.predicted or 0.0) - waited
    return left if left > 0 else None


def _expected(span: Span, plan: float | None) -> Message:
    """What was seen there; where nothing was, what its scheduler plans."""
    if span.starts or plan is None:
        return span.say()
    return Message("wait.planned", {"about": amount(plan)})


def expected_wait(services: Services, launch: Launch, attempt: Attempt) -> float | None:
    """In how many seconds it is likely to start: by its scheduler's plan, else by half of those who waited; None: not known."""
    waited = max(0.0, services.now() - (attempt.submitted_at or services.now()))
    watch = services.watches.get(attempt.centre)
    status = watch.statuses.get(attempt.job or "") if watch else None
    plan = _plan(services, attempt, waited, status.expected_start if status else None)
    if plan is not None:
        return plan
    usual = services.history.usual.get((attempt.centre, attempt.share))
    return usual - waited if usual is not None and usual > waited else None


async def started(services: Services, launch: Launch, attempt: Attempt, status: JobStatus) -> None:
    """Remembers how long the job really waited, by its centre's clock where that tells both ends of it."""
    if attempt.submitted_at is None or attempt.running_at is not None:
        return
    if status.submitted_at is not None:
        services.hints.clock(attempt.centre, _ahead(attempt, status.submitted_at))
    if status.submitted_at is not None and status.started_at is not None:
        seconds = status.started_at - status.submitted_at
    else:
        seconds = services.now() - attempt.submitted_at
    await _remember(services, launch, attempt, seconds, started=True)


def _ahead(attempt: Attempt, submitted_at: float) -> float:
    """By how many seconds the centre's clock is ahead of ours, at the least (negative: behind).

    It was submitted somewhere between our asking and our knowing; after a lost reply much may lie between.
    """
    known = attempt.submitted_at or submitted_at
    began = attempt.submit_began_at or known
    return min(max(0.0, submitted_at - known), submitted_at - began)


async def gave_up(services: Services, launch: Launch, attempt: Attempt, why: Message) -> None:
    """Remembers a wait that ended before the job had started: it would have been longer than that."""
    if attempt.queued_at is None or attempt.running_at is not None or why.code not in _GIVEN_UP:
        return
    seconds = services.now() - (attempt.submitted_at or attempt.queued_at)
    await _remember(services, launch, attempt, seconds, started=False)


def turned_out(
    services: Services, launch: Launch, attempt: Attempt, kind: Literal["worked", "failed", "unkept"]
) -> None:
    """Remembers how a start went, for whoever is placed next."""
    one = Outcome(attempt.tag, attempt.centre, attempt.share, launch.owner, kind, services.now())
    services.outcomes = learned(services.outcomes, one)


def watch_word(services: Services, launch: Launch, attempt: Attempt, waited: float) -> None:
    """Remembers it against a share when it goes on saying that it has room for this one, which is the next and waits there."""
    watch = services.watches.get(attempt.centre)
    status = watch.statuses.get(attempt.job or "") if watch else None
    if watch is None or status is None or waited < _KEEPS_ITS_WORD or attempt.ahead is not None:
        return
    told = any(one.tag == attempt.tag and one.kind == "unkept" for one in services.outcomes)
    held_up = status.why is not None or attempt.place not in (None, 1)
    if told or held_up or watch.fresh() is None or watch.survey is None:
        return
    if watch.survey.has_room(need_of(launch, attempt), attempt.share):
        log.warning("%s: %s says that it has room, and starts nothing", attempt.centre, attempt.share)
        turned_out(services, launch, attempt, "unkept")


async def _remember(
    services: Services, launch: Launch, attempt: Attempt, seconds: float, *, started: bool
) -> None:
    need = _taken(services, launch, attempt)
    # A clock that was set back in between measured nothing.
    wait = Wait(
        max(0.0, seconds),
        need.cores,
        need.minutes,
        services.now(),
        predicted=attempt.predicted,
        ahead=attempt.ahead,
        started=started,
    )
    await services.store.add_wait(attempt.centre, attempt.share, wait)
    services.history = services.history.with_(attempt.centre, attempt.share, wait)


def _taken(services: Services, launch: Launch, attempt: Attempt) -> Need:
    """The need as its share counts it; as it was asked for where that share has gone."""
    need = need_of(launch, attempt)
    try:
        return services.centre(attempt.centre).takes(attempt.share, need)
    except Missing:
        return need
