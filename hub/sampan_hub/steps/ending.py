"""How an attempt and a launch end."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from sampan.errors import SampanError
from sampan.messages import Message
from sampan.stages import PROGRESS, Seen, Stage, Target
from sampan_hub import files
from sampan_hub.doubts import failed
from sampan_hub.records import Attempt, Launch
from sampan_hub.services import Services
from sampan_hub.steps.waiting import gave_up, turned_out

__all__ = ["end_attempt", "end_launch", "let_go", "log_tail"]

log = logging.getLogger(__name__)

_TAIL_BYTES = 4096
_FOR_ALL = frozenset({"ended.finished", "ended.cancelled_by_person"})
"""Ends of a session by its own person: nothing else that was asked for is to take its place."""
_SUCCESSION: Final[Mapping[str, str]] = MappingProxyType(
    {"ended.moved_on": "launch.moving_over", "ended.outrun": "launch.rival_won"}
)
"""Why a holder gave way to its rival → what is said of that."""


async def end_attempt(
    services: Services, launch: Launch, attempt: Attempt, why: Message, *, seen: Seen = Seen.ENDED
) -> float | None:
    """Writes down that this attempt is over and why; what follows is decided by the launch.

    Where a rival lives, it takes the place of the holder. Else, before it was ready, another centre is tried. After, the
    launch ends with it: variables are never silently lost by a restart elsewhere.
    """
    now = services.now()
    log.info("launch %s: its attempt %s at %s is over: %s", launch.id, attempt.number, attempt.centre, why)
    tail = await log_tail(services, launch, attempt) if launch.target is Target.READY else None
    await let_go(services, launch.id, attempt)
    await gave_up(services, launch, attempt, why)
    if attempt.ready_at is None and failed(why.code):
        turned_out(services, launch, attempt, "failed")
    ended = {
        "stage": Stage.ENDED,
        "seen": seen,
        "seen_at": now,
        "cause": why,
        "ended_at": now,
        "tail": tail,
    }
    attempts = await services.store.attempts(launch.id)
    other = next((one for one in attempts if one.live and one.number != attempt.number), None)
    if attempt.rival:
        return await _rival_over(services, launch, attempt, ended)
    if other is not None:
        return await _succeeded(services, launch, attempt, ended, other)
    # A session that was to give way to a new one is begun anew, also where that one is gone by now.
    served = attempt.ready_at is not None and why.code != "ended.moved_on"
    over = served or launch.target is not Target.READY
    names = services.say(attempt.centre)
    if over:
        message = (
            Message("launch.stopped") if launch.target is Target.STOPPED and launch.cause is None else why
        )
    else:
        message = Message("launch.next", {"centre": names, "why": why})
    if over:
        services.identities.pop(launch.id, None)
    await services.store.step(
        launch.id,
        attempt=attempt.number,
        attempt_fields=ended,
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


async def _rival_over(
    services: Services, launch: Launch, attempt: Attempt, ended: Mapping[str, Any]
) -> float:
    """A rival is gone: what there was before it goes on, and its person is told."""
    why: Message = ended["cause"]
    code = "launch.rival_dropped" if why.code == "ended.outrun" else "launch.rival_failed"
    await services.store.step(
        launch.id,
        attempt=attempt.number,
        attempt_fields=ended,
        message=Message(code, {"centre": services.say(attempt.centre), "why": why}),
        stage=launch.stage,
        seen=ended["seen"],
        aloud=launch.target is Target.READY,
    )
    return 0.0


async def _succeeded(
    services: Services, launch: Launch, attempt: Attempt, ended: Mapping[str, Any], rival: Attempt
) -> float:
    """The holder is gone while a rival lives: that one is the holder from now on, unless the end was meant for both."""
    why: Message = ended["cause"]
    centre, other = services.say(attempt.centre), services.say(rival.centre)
    if launch.target is not Target.READY or why.code in _FOR_ALL:
        await services.store.step(
            launch.id,
            attempt=attempt.number,
            attempt_fields=ended,
            launch_fields={"target": Target.STOPPED} if launch.target is Target.READY else None,
            message=Message("launch.stopping", {"centre": other}),
            stage=launch.stage,
            seen=ended["seen"],
        )
        return 0.0
    code = _SUCCESSION.get(why.code, "launch.succeeded")
    need = replace(launch.need, minutes=rival.minutes or launch.need.minutes)
    await services.store.step(
        launch.id,
        attempt=attempt.number,
        attempt_fields=ended,
        launch_fields={"stage": rival.stage, "need": need},
        message=Message(code, {"centre": other, "former": centre, "why": why}),
        stage=rival.stage,
        seen=ended["seen"],
        promoted=rival.number,
    )
    return 0.0


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
    """Forgets what the broker holds for an attempt: its claim, its place in the questions, its link (a rival has none)."""
    services.in_flight.release(launch)
    services.cancels.pop(attempt.tag, None)
    services.admitted.pop(attempt.tag, None)
    services.turns_told.pop(attempt.tag, None)
    if attempt.centre in services.directory.centres:
        services.directory.centres[attempt.centre].admission.leave(attempt.tag)
    if attempt.job and attempt.centre in services.watches:
        services.watches[attempt.centre].forget(attempt.job)
    if attempt.rival:
        return
    services.lost_links.pop(launch, None)
    services.fallen.discard(launch)
    services.idleness.forget(launch)
    link = services.links.pop(launch, None)
    services.doors.detach(launch)
    if link is not None:
        await link.close()


async def log_tail(services: Services, launch: Launch, attempt: Attempt) -> str | None:
    """The end of the job's log, None where there is none or nobody can say: over the link while there is one."""
    link = None if attempt.rival else services.links.get(launch.id)
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
