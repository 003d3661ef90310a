"""The one place that moves launches: what is wanted, what is, one step, again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final

from sampan.errors import SampanError
from sampan.logs import concerns
from sampan.messages import Message
from sampan.stages import PROGRESS, Kind, Stage, Target
from sampan_hub.records import Attempt, Launch, holder, rival
from sampan_hub.services import Services
from sampan_hub.steps.admitting import admit
from sampan_hub.steps.boarding import keep, reach, serve
from sampan_hub.steps.cancelling import give_up, stop
from sampan_hub.steps.crewing import tend
from sampan_hub.steps.ending import end_launch
from sampan_hub.steps.families import outlived
from sampan_hub.steps.placing import choose_centre
from sampan_hub.steps.queueing import wait
from sampan_hub.steps.rivals import contend, stand_by

__all__ = ["Reconciler"]

log = logging.getLogger(__name__)

Step = Callable[[Services, Launch, Attempt], Awaitable[float | None]]

STEPS: Final[Mapping[Stage, Step]] = MappingProxyType(
    {
        Stage.PLACED: admit,
        Stage.SUBMITTED: wait,
        Stage.QUEUED: wait,
        Stage.RUNNING: reach,
        Stage.REACHABLE: serve,
        Stage.READY: keep,
    }
)
"""What is done for a live attempt in each stage."""
RIVAL_STEPS: Final[Mapping[Stage, Step]] = MappingProxyType({**STEPS, Stage.REACHABLE: stand_by})
"""A rival is never given the identity: it waits for the holder's place."""

_AFTER_TROUBLE = 3.0
_DOOR_STAYS = 120.0
"""Seconds that a door stays at most after its launch has ended."""
_ROUTE_STAYS = 5.0
"""Seconds within which a hub that has heard of an end has taken its route away."""


class Reconciler:
    """One task for each live launch, so that a centre that hangs delays its own launches only."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._woken: dict[str, asyncio.Event] = {}

    async def start(self) -> None:
        """Takes up every live launch of the database: this is all there is to a restart."""
        for launch in await self._services.store.live_launches():
            await self.take_up(launch)

    async def take_up(self, launch: Launch) -> None:
        """Moves this launch from now on. Twice is once."""
        if launch.id not in self._tasks:
            self._woken[launch.id] = asyncio.Event()
            self._tasks[launch.id] = asyncio.create_task(self._conduct(launch.id), name=f"launch {launch.id}")

    def wake(self, launch: str) -> None:
        """Has a launch looked at now rather than when its pause is over."""
        if launch in self._woken:
            self._woken[launch].set()

    def heard(self, news: bool) -> None:
        """A centre has answered: who waits may go on now; who is ready is looked at only when something is different."""
        for launch, event in self._woken.items():
            _, progress = self._services.said.get(launch, (None, 0))
            if news or progress < PROGRESS[Stage.READY]:
                event.set()

    def wake_all(self) -> None:
        for event in self._woken.values():
            event.set()

    async def close(self) -> None:
        """Stops moving launches. Jobs, rows and what runs at the centres stay as they are."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _conduct(self, launch: str) -> None:
        concerns(launch)
        event = self._woken[launch]
        try:
            while True:
                event.clear()
                pause = await self._once(launch)
                if pause is None:
                    await self._leave_door(launch)
                    return
                if pause > 0:
                    try:
                        async with asyncio.timeout(pause):
                            await event.wait()
                    except TimeoutError:
                        pass
        finally:
            self._tasks.pop(launch, None)
            self._woken.pop(launch, None)

    async def _leave_door(self, launch: str) -> None:
        """The door of an ended launch says so for a while: until the hub has heard, its route still leads there."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_DOOR_STAYS):
                await self._services.end_heard(launch).wait()
                await asyncio.sleep(_ROUTE_STAYS)
        self._services.ends_heard.pop(launch, None)
        self._services.said.pop(launch, None)
        self._services.rosters.forget(launch)
        await self._services.doors.remove(launch)

    async def _once(self, launch: str) -> float | None:
        try:
            return await reconcile(self._services, launch)
        except SampanError as error:
            log.warning("launch %s: %s", launch, error)
        except Exception:
            log.exception("launch %s: a step failed; it is tried again", launch)
        return _AFTER_TROUBLE


async def reconcile(services: Services, name: str) -> float | None:
    """Moves a launch one step. Returns seconds to the next look, None when it is over."""
    launch = await services.store.launch(name)
    if launch is None:
        return None
    services.said[name] = (launch.message, launch.progress)
    if launch.ended_at is not None:
        return None
    attempts = await services.store.attempts(name)
    live = [attempt for attempt in attempts if attempt.live]
    if await outlived(services, launch):
        return 0.0
    if launch.kind is Kind.CLUSTER and (live or launch.target is Target.READY):
        return await tend(services, launch, live)
    if launch.target is not Target.READY:
        if not live:
            await end_launch(services, launch, Message("ended.stopped"), Message("launch.stopped"))
            return None
        return await stop(services, launch, live)
    if not live:
        return await choose_centre(services, launch, attempts)
    beside = rival(live)
    if beside is None:
        return await advance(services, launch, live[-1])
    held = holder(live)
    if held is None:
        # Its holder was lost with a part of the database: somebody has to be it.
        await services.store.update_attempt(name, beside.number, rival=False)
        return 0.0
    return await contend(services, launch, held, beside, advance)


async def advance(services: Services, launch: Launch, attempt: Attempt) -> float | None:
    """Moves one live attempt one step."""
    if attempt.cancel_requested_at is not None:
        return await give_up(services, launch, attempt, attempt.cause or Message("ended.stopped"))
    steps = RIVAL_STEPS if attempt.rival else STEPS
    return await steps[attempt.stage](services, launch, attempt)
