"""Waiting in a centre's queue: with a place, and not while there is room elsewhere."""

from __future__ import annotations

from sampan.messages import Message
from sampan.stages import Seen, Stage
from sampan_hub.reasons import in_line
from sampan_hub.records import Attempt, Launch, rival
from sampan_hub.services import Services
from sampan_hub.steps.cancelling import give_up
from sampan_hub.steps.evidence import look
from sampan_hub.steps.hedging import hedge
from sampan_hub.steps.placing import decide, failed_before
from sampan_hub.steps.waiting import watch_word

__all__ = ["wait"]

_SETTLE = 2.0
"""Seconds in a queue before a launch may move: a job that is about to start is not taken away."""


async def wait(services: Services, launch: Launch, attempt: Attempt) -> float | None:
    """Submitted or queued: looks at the job; moves the launch to a centre that has room now.

    Launches are looked at in the order they came, so whoever has waited longest is offered the berth first.
    """
    pause, done = await look(services, launch, attempt)
    still_waits = done and pause == 1.0 and attempt.stage is Stage.QUEUED and attempt.seen is Seen.ALIVE
    if not still_waits or services.now() - (attempt.queued_at or services.now()) < _SETTLE:
        return pause
    waited = services.now() - (attempt.queued_at or services.now())
    watch_word(services, launch, attempt, waited)
    minutes = services.centre(attempt.centre).descriptor.limits.queue_minutes
    if waited > minutes * 60:
        return await give_up(services, launch, attempt, Message("ended.queue_limit", {"minutes": minutes}))
    if attempt.rival:
        return pause
    # Not back to where it failed before, or it would wander for ever.
    attempts = await services.store.attempts(launch.id)
    tried = failed_before(attempts)
    tried[attempt.centre] = in_line(None if attempt.place is None else attempt.place - 1)
    elsewhere = decide(services, launch.need, launch.owner, launch=launch.id, tried=tried)
    if not elsewhere.ranked or elsewhere.ranked[0].verdict != "now":
        return 0.0 if await hedge(services, launch, attempt, attempts, elsewhere) else pause
    best = elsewhere.ranked[0]
    beside = rival(attempts)
    if beside is not None:
        # Both places are given back for the berth: this one when the other is.
        why = Message("ended.outrun", {"centre": services.say(best.centre)})
        return pause if beside.cancel_requested_at else await give_up(services, launch, beside, why)
    services.in_flight.claim(launch.id, best.centre, best.share, launch.need)
    return await give_up(
        services, launch, attempt, Message("ended.moved", {"centre": services.say(best.centre)})
    )
