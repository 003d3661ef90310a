"""How an attempt and a launch end."""

from __future__ import annotations

import logging
from contextlib import suppress

from sampan.errors import SampanError
from sampan.messages import Message
from sampan.stages import PROGRESS, Seen, Stage, Target
from sampan_hub import files
from sampan_hub.records import Attempt, Launch
from sampan_hub.services import Services
from sampan_hub.steps.waiting import gave_up

__all__ = ["end_attempt", "end_launch", "let_go", "log_tail"]

log = logging.getLogger(__name__)

_TAIL_BYTES = 4096


async def end_attempt(
    services: Services, launch: Launch, attempt: Attempt, why: Message, *, seen: Seen = Seen.ENDED
) -> float | None:
    """Writes down that this attempt is over and why; what follows is decided by the launch.

    Before it was ready another centre is tried. After, the launch ends with it: variables are never silently lost by a
    restart elsewhere.
    """
    now = services.now()
    log.info("launch %s: its attempt %s at %s is over: %s", launch.id, attempt.number, attempt.centre, why)
    tail = await log_tail(services, launch, attempt) if launch.target is Target.READY else None
    await let_go(services, launch.id, attempt)
    await gave_up(services, launch, attempt, why)
    over = attempt.ready_at is not None or launch.target is not Target.READY
    names = services.say(attempt.centre)
    if over:
        message = Message("launch.stopped") if launch.target is Target.STOPPED else why
    else:
        message = Message("launch.next", {"centre": names, "why": why})
    if over:
        services.identities.pop(launch.id, None)
    await services.store.step(
        launch.id,
        attempt=attempt.number,
        attempt_fields={
            "stage": Stage.ENDED,
            "seen": seen,
            "seen_at": now,
            "cause": why,
            "ended_at": now,
            "tail": tail,
        },
        launch_fields={"cause": why, "ended_at": now, "stage": Stage.ENDED}
        if over
        else {"stage": Stage.PLACED},
        message=message,
        stage=Stage.ENDED if over else Stage.PLACED,
        seen=seen,
        progress=PROGRESS[Stage.ENDED] if over else None,
        final="ended" if over else None,
    )
    return None if over else 0.0


async def end_launch(
    services: Services, launch: Launch, why: Message, message: Message | None = None
) -> None:
    """Ends a launch that has no live attempt."""
    services.in_flight.release(launch.id)
    services.identities.pop(launch.id, None)
    await services.store.step(
        launch.id,
        launch_fields={"cause": why, "ended_at": services.now(), "stage": Stage.ENDED},
        message=message or why,
        stage=Stage.ENDED,
        seen=Seen.ENDED,
        progress=PROGRESS[Stage.ENDED],
        final="ended",
    )
    return


async def let_go(services: Services, launch: str, attempt: Attempt) -> None:
    """Forgets what the broker holds for an attempt: its claim, its place in the questions, its link."""
    services.in_flight.release(launch)
    services.cancels.pop(attempt.tag, None)
    if attempt.job and attempt.centre in services.watches:
        services.watches[attempt.centre].forget(attempt.job)
    services.lost_links.pop(launch, None)
    link = services.links.pop(launch, None)
    services.doors.detach(launch)
    if link is not None:
        await link.close()


async def log_tail(services: Services, launch: Launch, attempt: Attempt) -> str | None:
    """The end of the job's log, None where there is none or nobody can say: over the link while there is one."""
    link = services.links.get(launch.id)
    if link is not None and not link.closed.is_set():
        # A launcher that has just ended does not answer, and its log lies where it was.
        with suppress(SampanError):
            return await link.log(_TAIL_BYTES, deadline=2.0)
    try:
        path = f"{services.attempt_dir(launch, attempt)}/job.log"
        centre = services.centre(attempt.centre)
        return await centre.ask(files.tail(path, _TAIL_BYTES), account=attempt.account, deadline=5.0)
    except SampanError:
        return None
