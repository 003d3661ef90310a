"""Asking for launches: the one way in, whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.errors import Missing, SampanError
from sampan.need import Need
from sampan.stages import Kind, Target
from sampan_hub.reconcile import Reconciler
from sampan_hub.records import Launch
from sampan_hub.services import Services
from sampan_hub.steps.families import adopt
from sampan_hub.steps.placing import refuse_impossible

__all__ = ["Launching"]


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
    ) -> tuple[Launch, bool]:
        """The launch, and whether it is new. Raises `Refused` for a need that no centre can ever run.

        Twice is once: a live launch of the same owner, kind and name, or an earlier one with the same key, is returned.
        """
        services = self._services
        if parent is not None:
            above = await services.store.launch(parent)
            if above is None or above.owner != owner:
                raise Missing("launch.unknown_id", launch=parent)
        live = await services.store.live_launch(owner, kind, name)
        if live is None:
            await refuse_impossible(services, need, owner)
        launch, created = await services.store.create_launch(
            owner, kind, name, need, dict(options), prefix, parent, idempotency_key
        )
        if not created and parent is not None:
            await adopt(services, launch, parent)
        if launch.ended_at is None:
            await self._take_up(launch)
        return launch, created

    async def _take_up(self, launch: Launch) -> None:
        try:
            await self.open_door(launch)
        except SampanError:
            # Nobody could ever come in: it ends, rather than stand there with nobody to move it.
            await self._services.store.update_launch(launch.id, target=Target.STOPPED)
            raise
        finally:
            await self._reconciler.take_up(launch)

    async def open_door(self, launch: Launch) -> None:
        """The launch's loopback address: made once, at the same port after a restart."""
        if launch.kind != Kind.SERVER:
            return
        port = await self._services.doors.open(launch.id, launch.door_port)
        if port != launch.door_port:
            await self._services.store.update_launch(launch.id, door_port=port)
