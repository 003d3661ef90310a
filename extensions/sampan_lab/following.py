"""Tells the pages of this server when something happens to a launch of its person: over Jupyter's own event bus.

Every Lab listens to that bus already, so a page needs no connection of its own and asks when there is something to ask for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from jupyter_events import EventLogger

from sampan_lab.asking import Asking

__all__ = ["LAUNCHES", "Following"]

LAUNCHES: Final = "urn:sampan:launches"
"""The event: ask again."""
_SCHEMA: Final[dict[str, Any]] = {
    "$id": LAUNCHES,
    "version": "1",
    "title": "Something has happened to a launch",
    "description": "Sent while a page shows this person's launches.",
    "type": "object",
    "properties": {},
}
LOOKED: Final = 60.0
"""Seconds after the last look for which somebody is taken to be looking."""
TOGETHER: Final = 0.3
"""Seconds for which what happens is told as one."""


class Following:
    """Follows the live launches that a page was shown, for as long as pages look."""

    def __init__(self, asking: Asking, bus: EventLogger | None) -> None:
        self._asking = asking
        self._bus = bus
        self._looked = float("-inf")
        self._followed: dict[str, asyncio.Task[None]] = {}
        self._news = asyncio.Event()
        self._teller: asyncio.Task[None] | None = None
        if bus is not None:
            bus.register_event_schema(_SCHEMA)

    def shown(self, launches: Iterable[str]) -> None:
        """A page was shown these launches just now."""
        self._looked = time.monotonic()
        if self._bus is None:
            return
        if self._teller is None:
            self._teller = asyncio.create_task(self._tell(self._bus), name="following")
        wanted = frozenset(launches)
        self._followed = {id_: task for id_, task in self._followed.items() if not task.done()}
        for id_ in self._followed.keys() - wanted:
            self._followed.pop(id_).cancel()
        for id_ in wanted - self._followed.keys():
            self._followed[id_] = asyncio.create_task(self._follow(id_), name=f"following {id_}")

    async def _follow(self, id_: str) -> None:
        from sampan.errors import SampanError

        with suppress(SampanError):
            async for _ in self._asking.events(id_):
                self._news.set()

    async def _tell(self, bus: EventLogger) -> None:
        while (left := self._looked + LOOKED - time.monotonic()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), left)
                await asyncio.sleep(TOGETHER)
                self._news.clear()
                bus.emit(schema_id=LAUNCHES, data={})
        self.close()

    def close(self) -> None:
        """Follows nothing until a page looks again."""
        for task in self._followed.values():
            task.cancel()
        self._followed.clear()
        teller, self._teller = self._teller, None
        if teller is not None and teller is not asyncio.current_task():
            teller.cancel()
