"""A launch's steps as JupyterHub shows progress: it never goes back, and only JupyterHub itself says 100."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Final

from sampan.errors import SampanError
from sampan.messages import Message
from sampan_spawners.following import Json, follow
from sampan_spawners.fragments import both, plain

__all__ = ["Progress", "steps"]

# The server is up a moment before its route is: what is left of the bar belongs to the hub.
HIGHEST: Final = 99
# How often the hub's own view is looked at while nothing comes from the broker.
LOOK: Final = 0.25


class Progress:
    """One continuous progress for whoever watches, over several attempts at several centres."""

    def __init__(self) -> None:
        self._reached = 0

    def of(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """An event of the broker as `{"progress", "message", "html_message", "at", "stage", "id"}`."""
        self._reached = max(self._reached, min(int(event["progress"]), HIGHEST))
        return {
            **self.saying(event["message"]),
            "at": event.get("at"),
            "stage": event.get("stage"),
            "seen": event.get("seen"),
            "id": event.get("id"),
        }

    def saying(self, message: Message | Mapping[str, Any]) -> dict[str, Any]:
        """A message that moves nothing on."""
        return {
            "progress": self._reached,
            "message": plain(message),
            "html_message": str(both(message)),
        }


async def steps(spawner: Any, after: int | None = None) -> AsyncGenerator[Json, None]:
    """The launch's events as progress; before the broker has accepted it, one that says so."""
    told = Progress()
    if not spawner.launch_id:
        yield told.saying(Message("hub.asking"))
    said: Json | None = None
    while not spawner.launch_id:
        if spawner.former is not None and spawner.former["message"] != said:
            said = spawner.former["message"]
            yield told.saying(Message("hub.former", {"why": Message.from_json(said)}))
        await asyncio.sleep(LOOK)
    try:
        # From the first, so that the bar is where it was; only what the page has not seen is told.
        async with aclosing(follow(spawner.broker, spawner.launch_id)) as events:
            async for event in events:
                told_now = told.of(event)
                if after is None or told_now["id"] is None or told_now["id"] > after:
                    yield told_now
    except SampanError as error:
        yield told.saying(error.message)
