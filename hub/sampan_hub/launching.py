"""Asking for launches: the one way in, whoever asks."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from sampan.errors import Conflict, Missing, SampanError
from sampan.messages import Message
from sampan.need import Need
from sampan.stages import Kind, Target
from sampan_hub.reconcile import Reconciler
from sampan_hub.records import Launch
from sampan_hub.services import Services
from sampan_hub.spans import at_most
from sampan_hub.steps.families import adopt
from sampan_hub.steps.placing import refuse_impossible
from sampan_hub.steps.rivals import move_on
from sampan_hub.steps.sights import moment
from sampan_hub.views import may_decide_at

__all__ = ["Launching"]

log = logging.getLogger(__name__)


class Launching:
    """Makes launches and hands them to the reconciler."""

    def __init__(self, services: Services, reconciler: Reconciler) -> None:
        self._services = services
        self._reconciler = reconciler

    async def create(
        self,
        owner: str,
        kind: Kind,
        name: str,
        need: Need,
        *,
        options: Mapping[str, Any],
        prefix: str,
        parent: str | None,
        idempotency_key: str | None,
        crowd: str | None = None,
    ) -> tuple[Launch, bool]:
        """The launch, and whether it is new. Raises `Refused` for a need that no centre can ever run.

        Twice is once: a live launch of the same owner, kind and name, or an earlier one with the same key, is returned.
        """
        services = self._services
        if parent is not None:
            above = await services.store.launch(parent)
            if above is None or above.owner != owner:
                raise Missing("launch.unknown_id", launch=parent)
        # A broker that has just come back looks first for what runs and is not in its database.
        await services.strays.first(services.directory.centres)
        live = await services.store.live_launch(owner, kind, name)
        if live is None:
            await refuse_impossible(services, need, owner)
        launch, created = await services.store.create_launch(
            owner, kind, name, need, dict(options), prefix, parent, idempotency_key, crowd
        )
        if not created and parent is not None:
            await adopt(services, launch, parent)
        if launch.ended_at is None:
            await self.take_up(launch)
        return launch, created

    async def stop(self, launch: Launch) -> None:
        """Somebody wants its end: its person, an administrator, or the culler of what is idle."""
        services = self._services
        fields: dict[str, Any] = {"target": Target.STOPPED}
        if services.idleness.due(launch.id):
            fields["cause"] = Message("ended.idle", {"about": at_most(services.idleness.limit)})
        await services.store.update_launch(launch.id, **fields)
        services.wake(launch.id)

    async def let_go(self, launch: Launch) -> None:
        """Ends it without its centre's word, which is its person's decision; the sweep ends the job when the centre is back.

        Raises `Conflict` while there is nothing to decide: its centre answers, or has been silent for a short time only.
        """
        if launch.ended_at is not None:
            return
        services = self._services
        attempts = await services.store.attempts(launch.id)
        silent = [attempt for attempt in attempts if may_decide_at(services, attempt) is not None]
        if not silent:
            raise Conflict("launch.not_silent")
        since = min(attempt.seen_at or services.now() for attempt in silent)
        seconds = services.settings.decide_after
        if services.now() < since + seconds:
            raise Conflict("launch.silent_briefly", since=moment(since), seconds=seconds)
        log.info("launch %s: let go by its person; silent since %s", launch.id, moment(since))
        await services.store.update_launch(launch.id, target=Target.LET_GO)
        services.wake(launch.id)

    async def move_on(self, launch: Launch, minutes: int | None) -> None:
        """Has a new session follow this one at its centre, with that time limit (None: the same again).

        Twice is once. Raises `Conflict` where none serves, `Refused` where the centre takes no such session.
        """
        await move_on(self._services, launch, minutes)
        self._services.wake(launch.id)

    async def take_up(self, launch: Launch) -> None:
        """Opens its door and moves it from now on. Twice is once."""
        try:
            await self.open_door(launch)
        except SampanError:
            # Nobody could ever come in: it ends, rather than stand there with nobody to move it.
            await self._services.store.update_launch(launch.id, target=Target.STOPPED)
            raise
        finally:
            await self._reconciler.take_up(launch)
            self._reconciler.wake(launch.id)

    async def open_door(self, launch: Launch) -> None:
        """The launch's loopback address: made once, at the same port after a restart."""
        if launch.kind != Kind.SERVER:
            return
        port = await self._services.doors.open(launch.id, launch.door_port, launch.prefix)
        if port != launch.door_port:
            await self._services.store.update_launch(launch.id, door_port=port)
