"""What the broker says of our launch, asked at most once in a while however many pages look."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from sampan.calls import Call
    from sampan.client import AsyncBroker

__all__ = ["Asking"]

T = TypeVar("T")
FRESH: Final = 4.0
"""Seconds for which an answer stands; a failure stands for as long, and nobody waits for it twice."""
DEADLINE: Final = 5.0


class Asking:
    """The one way of this server to the broker, by the server's own token. Nothing is asked before a page looks."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._broker: AsyncBroker | None = None
        self._told: dict[str, Any] | None = None
        self._at = float("-inf")
        self._lock = asyncio.Lock()
        self._centres: list[dict[str, Any]] = []
        self._centres_at = float("-inf")

    async def launch(self) -> dict[str, Any] | None:
        """The launch as the broker sees it; None while it does not say."""
        # Kept from the start of a server: the client's imports cost a seventh of a second.
        from sampan.errors import SampanError

        async with self._lock:
            if time.monotonic() - self._at >= FRESH:
                try:
                    self._told = await self._way().launch(self.own)
                except SampanError:
                    self._told = None
                self._at = time.monotonic()
            return self._told

    async def move_on(self, minutes: int | None = None) -> dict[str, Any]:
        """Asks for another attempt at the same centre, for as long as the first one or `minutes`. Raises SampanError."""
        from sampan import calls

        told = await self._way().ask(calls.move_on(self.own, minutes))
        self._told, self._at = told, time.monotonic()
        return told

    async def tell_activity(self, idle_seconds: float) -> int | None:
        """Says for how long nothing has been done here; for how long that may be (0: for ever), None where nobody answered."""
        from sampan import calls
        from sampan.errors import SampanError

        try:
            answer = await self._way().ask(calls.tell_activity(self.own, idle_seconds))
            return int(answer["idle_limit"])
        except (SampanError, KeyError, TypeError, ValueError):
            return None

    async def centres(self) -> list[dict[str, Any]]:
        """The centres as they were a moment ago: for their names, and whether they are there. Raises SampanError."""
        from sampan import calls

        if time.monotonic() - self._centres_at >= FRESH:
            self._centres = await self._way().ask(calls.centres())
            self._centres_at = time.monotonic()
        return self._centres

    async def ask(self, call: Call[T]) -> T:
        """Any row of :mod:`sampan.calls`. Raises SampanError."""
        return await self._way().ask(call)

    def events(self, id_: str) -> AsyncGenerator[dict[str, Any], None]:
        """Every step of a launch until it has ended; goes on where it was when the broker has been away."""
        return self._way().events(id_)

    @property
    def own(self) -> str:
        """This session's launch."""
        return self._environ.get("SAMPAN_LAUNCH", "")

    def _way(self) -> AsyncBroker:
        if self._broker is None:
            from sampan.client import AsyncBroker

            self._broker = AsyncBroker.from_environment(self._environ, deadline=DEADLINE)
        return self._broker
