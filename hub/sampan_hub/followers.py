"""Who waits for something to happen to a launch."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Followers"]


class Followers:
    """An event for each that follows a launch."""

    def __init__(self) -> None:
        self._events: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def of(self, launch: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever something happens to this launch, for as long as the context lasts."""
        event = asyncio.Event()
        self._events.setdefault(launch, set()).add(event)
        try:
            yield event
        finally:
            self._events[launch].discard(event)
            if not self._events[launch]:
                del self._events[launch]

    def tell(self, launch: str) -> None:
        """Something has happened to it."""
        for event in self._events.get(launch, ()):
            event.set()
