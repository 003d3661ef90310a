"""What the broker holds of a Dask cluster in memory: whether its object listens, what it said last, what it is asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["Roster", "Rosters"]

_GONE: Final = 20.0
"""Seconds after an object hung up, and did not come back, from which on it is taken to be gone."""
_NEVER: Final = 300.0
"""The same for one that this process has not heard of yet: a broker that comes back waits for all to find it."""
_KEPT: Final = 64
"""Answers that are remembered for whoever asks again, having lost them."""


@dataclass
class Roster:
    """Of one cluster. Whoever has the object listens for as long as its process lives: a connection ends with its process,
    whatever that is busy with, and however it dies.
    """

    state: dict[str, Any] = field(default_factory=dict)
    """What the object last said of itself."""
    wish: dict[str, int] | None = None
    """The size that a person asked for elsewhere, until the object has heard of it."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    answers: dict[str, dict[str, str]] = field(default_factory=dict)
    """Key of a request for workers → its answer."""
    hiring: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked_at: float = 0.0
    """When the end of its jobs was last asked for, by a clock that nobody sets."""
    _listeners: int = 0
    _left: float = field(default_factory=lambda: time.monotonic() + _NEVER - _GONE)

    @property
    def listens(self) -> bool:
        return self._listeners > 0

    @property
    def gone(self) -> bool:
        return not self.listens and time.monotonic() - self._left > _GONE

    def doubt(self) -> None:
        """Nobody can tell just now: the way there is cut."""
        self._left = max(self._left, time.monotonic())

    @contextmanager
    def listener(self) -> Iterator[None]:
        self._listeners += 1
        try:
            yield
        finally:
            self._listeners -= 1
            self._left = time.monotonic()

    def ask_for(self, wish: dict[str, int]) -> None:
        self.wish = wish
        self.news.set()

    def take(self) -> dict[str, int] | None:
        self.news.clear()
        wish, self.wish = self.wish, None
        return wish

    def remember(self, key: str, answer: dict[str, str]) -> None:
        self.answers[key] = answer
        while len(self.answers) > _KEPT:
            del self.answers[next(iter(self.answers))]


class Rosters:
    """Launch → its roster."""

    def __init__(self) -> None:
        self._all: dict[str, Roster] = {}

    def of(self, launch: str) -> Roster:
        return self._all.setdefault(launch, Roster())

    def forget(self, launch: str) -> None:
        self._all.pop(launch, None)
