"""Ending a job on purpose: asked for, then confirmed by the scheduler, never assumed."""

from __future__ import annotations

import logging

from sampan.errors import SampanError
from sampan.messages import Message
from sampan.stages import Seen
from sampan_hub.records import Attempt, Launch
from sampan_hub.services import Services
from sampan_hub.steps.ending import end_attempt
from sampan_hub.steps.submitting import find_job

__all__ = ["give_up", "stop"]

log = logging.getLogger(__name__)

_AGAIN = 5.0
"""Seconds after which an unconfirmed cancel is asked for once more."""
_PATIENCE = 15.0
"""Seconds a person waits for a centre that gives no answer; the sweep ends the job when it is back."""


async def give_up(services: Services, launch: Launch, attempt: Attempt, why: Message) -> float | None:
    """Cancels an attempt that did not work out; the next one is made when the scheduler confirms the end."""
    return await _cancel(services, launch, attempt, why)


async def stop(services: Services, launch: Launch, attempt: Attempt) -> float | None:
    """A person (or what speaks for one) wants the end of this launch."""
    if attempt.submit_began_at is None:
        return await end_attempt(services, launch, attempt, Message("ended.stopped"))
    if launch.message.code != "launch.stopping":
        message = Message("launch.stopping", {"centre": services.say(attempt.centre)})
        await services.store.step(launch.id, message=message, stage=attempt.stage, seen=attempt.seen)
    return await _cancel(services, launch, attempt, Message("ended.stopped"))


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
        log.warning("launch %s: its job at %s is not confirmed gone: %s", launch.id, attempt.centre, error)
        if began is not None and now - began > _PATIENCE:
            # The row ends; the tag stays in the sweep's list, which ends the job as soon as the centre answers again.
            return await end_attempt(services, launch, attempt, why, seen=Seen.UNREACHABLE)
        if began is None:
            await services.store.update_attempt(launch.id, attempt.number, cancel_requested_at=now, cause=why)
        return 1.0
    # Whatever the watch hears wakes the launch; this is for a cancel that has to be asked for again.
    return _AGAIN


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
        await centre.ask(centre.scheduler.cancel(job, attempt.tag), account=attempt.account)
        services.cancels[attempt.tag] = services.now()
        watch.hurry()
    trouble = watch.jobs.trouble(attempt.account)
    if trouble is not None:
        raise trouble
    return False
