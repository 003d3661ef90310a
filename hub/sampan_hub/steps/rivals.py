"""Two live attempts of one launch: a holder, and a rival that may take its place.

A rival that was asked for because the holder waits (a hedge) wins as soon as it runs. One that is to follow a session (its
person moves on) wins when it is reached, and its identity is there to be handed over: the session serves until then. Whoever
loses is cancelled, and its scheduler confirms that; only then has the rival become the holder.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from sampan.errors import Conflict, Refused
from sampan.messages import Message
from sampan.stages import PROGRESS, Kind, Seen, Stage
from sampan_hub.jobs import JobState
from sampan_hub.records import Attempt, Launch, holder, need_of, rival
from sampan_hub.services import Services
from sampan_hub.steps.cancelling import give_up
from sampan_hub.steps.evidence import look
from sampan_hub.steps.placing import advise
from sampan_hub.views import may_move_on

__all__ = ["contend", "move_on", "stand_by"]

_WAITS = (Stage.PLACED, Stage.SUBMITTED, Stage.QUEUED)
_HUB_AWAY = 600.0
"""Seconds that a rival waits for the identity: as long as a holder does. Its job has begun, and costs something."""
_SOON = 0.5

Advance = Callable[[Services, Launch, Attempt], Awaitable[float | None]]


async def contend(
    services: Services, launch: Launch, held: Attempt, beside: Attempt, advance: Advance
) -> float | None:
    """Moves both one step each, and ends the one that the other has left behind. `advance` moves one attempt."""
    if held.cancel_requested_at is None and beside.cancel_requested_at is None:
        if held.ready_at is None and held.stage not in _WAITS:
            why = Message("ended.outrun", {"centre": services.say(held.centre)})
            return await give_up(services, launch, beside, why)
        if _overtakes(services, launch, held, beside):
            await _give_way(services, launch, held, beside)
            return 0.0
    pause = await advance(services, launch, held)
    if not pause:
        # Something is different: the other one is looked at with that in mind.
        return pause
    return min(pause, await advance(services, launch, beside) or 0.0)


async def move_on(services: Services, launch: Launch, minutes: int | None) -> None:
    """Writes the row of a rival that is to follow the session; see :meth:`sampan_hub.launching.Launching.move_on`."""
    attempts = await services.store.attempts(launch.id)
    held = holder(attempts)
    if launch.live and held is not None and (rival(attempts) or held.cancel_requested_at is not None):
        return
    if held is None or not may_move_on(launch, held):
        raise Conflict("launch.not_ready")
    need = replace(launch.need, minutes=minutes or launch.need.minutes, centre=held.centre)
    centre, hours = services.say(held.centre), f"{need.minutes / 60:.3g}"
    placement = await advise(services, need, launch.owner)
    best = next((offer for offer in placement.ranked if offer.verdict != "unknown"), None)
    if best is None:
        offers = (*placement.ranked, *placement.refused)
        why = next((offer.reasons[0] for offer in offers if offer.centre == held.centre), None)
        why = why or Message("place.unreachable")
        raise Refused("launch.cannot_move", centre=centre, hours=hours, why=why)
    await services.store.add_attempt(
        launch.id,
        centre=best.centre,
        share=best.share,
        account=held.account,
        hub_id=services.settings.hub_id,
        message=Message("launch.moving", {"centre": centre, "hours": hours}),
        progress=PROGRESS[Stage.PLACED],
        predicted=services.hints.said(services.centre(best.centre), best.share, need),
        ahead=best.ahead,
        minutes=need.minutes,
        rival=True,
    )
    services.in_flight.claim(launch.id, best.centre, best.share, need)


async def stand_by(services: Services, launch: Launch, beside: Attempt) -> float | None:
    """Reachable, and waiting for its turn; not for ever."""
    pause, done = await look(services, launch, beside)
    if done:
        return pause
    if services.now() - max(beside.stage_at, services.started_at) > _HUB_AWAY:
        return await give_up(
            services, launch, beside, Message("ended.reach_limit", {"seconds": round(_HUB_AWAY)})
        )
    return _SOON


def _overtakes(services: Services, launch: Launch, held: Attempt, beside: Attempt) -> bool:
    watch = services.watches.get(beside.centre)
    status = watch.statuses.get(beside.job or "") if watch else None
    if beside.seen is not Seen.ALIVE or status is None or status.state is not JobState.RUNNING:
        return False
    if held.ready_at is None:
        return beside.stage not in _WAITS
    known = launch.kind is not Kind.SERVER or launch.id in services.identities
    return beside.stage is Stage.REACHABLE and known


async def _give_way(services: Services, launch: Launch, held: Attempt, beside: Attempt) -> None:
    """Writes down that the holder is to end for its rival, which is done next and by whoever comes after a crash."""
    served = held.ready_at is not None
    centre = services.say(beside.centre)
    minutes = need_of(launch, held).minutes
    await services.store.step(
        launch.id,
        attempt=held.number,
        attempt_fields={
            "cancel_requested_at": services.now(),
            "cause": Message("ended.moved_on" if served else "ended.outrun", {"centre": centre}),
            "minutes": minutes,
        },
        launch_fields={"need": replace(launch.need, minutes=beside.minutes or minutes)},
        message=Message("launch.giving_way" if served else "launch.rival_won", {"centre": centre}),
        stage=launch.stage,
        seen=held.seen,
    )
