"""Ending a job on purpose: asked for, then confirmed by the scheduler, never assumed."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sampan.errors import SampanError
from sampan.messages import Message
from sampan.stages import SILENT, Seen, Stage, Target
from sampan_hub.records import Attempt, Launch
from sampan_hub.services import Services
from sampan_hub.steps.ending import end_attempt
from sampan_hub.steps.sights import moment, seen_in, silent_since
from sampan_hub.steps.submitting import find_job

__all__ = ["give_up", "see", "stop", "stopping"]

log = logging.getLogger(__name__)

_AGAIN = 5.0
"""Seconds after which an unconfirmed cancel is asked for once more."""
_PATIENCE = 15.0
"""Seconds that a start waits for the end of a job it has left, at a centre that gives no answer."""
_UNUSED = frozenset({Stage.PLACED, Stage.SUBMITTED, Stage.QUEUED, Stage.RUNNING})
"""Stages of a job that nobody has reached yet: without an identity, it is nobody's server."""


async def give_up(services: Services, launch: Launch, attempt: Attempt, why: Message) -> float | None:
    """Cancels an attempt that did not work out; the next one is made when the scheduler confirms the end."""
    return await _cancel(services, launch, attempt, why)


async def stop(services: Services, launch: Launch, attempts: Sequence[Attempt]) -> float | None:
    """A person (or what speaks for one) wants the end of this launch; it is over when its centres say so of each attempt.

    Where a centre says nothing, it stays "stopping, not confirmed" until that person lets it go: then the row ends, and the
    sweep ends the job when the centre is back.
    """
    pauses, asked = [], []
    wanted = launch.cause or Message("ended.stopped")
    for attempt in attempts:
        if attempt.submit_began_at is None:
            pauses.append(await end_attempt(services, launch, attempt, wanted))
        elif launch.target is Target.LET_GO and attempt.seen in SILENT:
            why = Message("ended.let_go", {"centre": services.say(attempt.centre)})
            pauses.append(await end_attempt(services, launch, attempt, why, seen=attempt.seen))
        else:
            asked.append(attempt)
    if asked:
        told = next((attempt for attempt in asked if attempt.seen in SILENT), asked[0])
        message = stopping(services, told)
        if launch.message != message:
            await services.store.step(launch.id, message=message, stage=launch.stage, seen=told.seen)
    pauses += [await _cancel(services, launch, attempt, wanted) for attempt in asked]
    whole = [pause for pause in pauses if pause is not None]
    return min(whole) if len(whole) == len(pauses) else None


def stopping(services: Services, attempt: Attempt) -> Message:
    centre = services.say(attempt.centre)
    if attempt.seen not in SILENT or attempt.seen_at is None:
        return Message("launch.stopping", {"centre": centre})
    return Message("launch.stopping_unconfirmed", {"centre": centre, "since": moment(attempt.seen_at)})


async def _cancel(services: Services, launch: Launch, attempt: Attempt, why: Message) -> float | None:
    now = services.now()
    began = attempt.cancel_requested_at
    try:
        job = attempt.job or await find_job(services, attempt)
        if job is None:
            return await end_attempt(services, launch, attempt, why)
        if began is None:
            began = now
            await services.store.update_attempt(
                launch.id, attempt.number, cancel_requested_at=now, cause=why, job=job
            )
        if await _confirmed(services, attempt, job):
            return await end_attempt(services, launch, attempt, why)
    except SampanError as error:
        left = launch.target is Target.READY and (attempt.rival or attempt.stage in _UNUSED)
        if left and began is not None and now - began > _PATIENCE:
            # Its start goes on elsewhere; the tag stays in the sweep's list, which ends the job when the centre is back.
            return await end_attempt(services, launch, attempt, why, seen=seen_in(error))
        if began is None:
            await services.store.update_attempt(launch.id, attempt.number, cancel_requested_at=now, cause=why)
        if await see(services, launch, attempt, seen_in(error)):
            log.warning("launch %s: its end at %s is not confirmed: %s", launch.id, attempt.centre, error)
            return 0.0
        return _AGAIN
    if await see(services, launch, attempt, Seen.ALIVE):
        return 0.0
    # Whatever the watch hears wakes the launch; this is for a cancel that has to be asked for again.
    return _AGAIN


async def see(services: Services, launch: Launch, attempt: Attempt, seen: Seen) -> bool:
    """Remembers what is seen of a job that is to end, for `stop` to say; whether that is news."""
    if attempt.seen is seen and attempt.seen_at is not None:
        return False
    since = silent_since(attempt, seen, services.now())
    await services.store.update_attempt(launch.id, attempt.number, seen=seen, seen_at=since)
    return True


async def _confirmed(services: Services, attempt: Attempt, job: str) -> bool:
    """Whether the scheduler says that the job is over; asks it to end it, now and then, while it does not.

    The watch asks how it stands, in its one question for all; what it heard before the cancel counts as well.
    """
    watch = services.watch(attempt.centre)
    watch.follow(job, attempt.account, busy=True)
    if watch.jobs.over(job):
        return True
    if services.now() - services.cancels.get(attempt.tag, 0.0) >= _AGAIN:
        centre = services.centre(attempt.centre)
        # Before it is asked: a centre that gives no answer is not asked at each look, either.
        services.cancels[attempt.tag] = services.now()
        await centre.ask(centre.scheduler.cancel(job, attempt.tag), account=attempt.account)
        watch.hurry()
    trouble = watch.jobs.trouble(attempt.account)
    if trouble is not None:
        raise trouble
    return False
