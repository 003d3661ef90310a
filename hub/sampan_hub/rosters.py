"""What the broker holds of a Dask cluster in memory: whether its object listens, what it said last, what it is asked for."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sampan_hub.link import Link

__all__ = ["Roster", "Rosters"]

_GONE: Final = 20.0
"""Seconds after an object hung up, and did not come back, from which on it is taken to be gone."""
_CUT: Final = 300.0
"""The same where it did not hang up: its link was lost, or it has not found a new broker yet. It may be too busy for that."""
_KEPT: Final = 64
"""Answers that are remembered for whoever asks again, having lost them."""


@dataclass
class Roster:
    """Of one cluster. Whoever has the object listens for as long as its process lives: a connection ends with its process,
    whatever that is busy with, and however it dies; or with the link that carries it.
    """

    state: dict[str, Any] = field(default_factory=dict)
    """What the object last said of itself."""
    wish: dict[str, int] | None = None
    """The size that a person asked for elsewhere, until the object has heard of it."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    answers: dict[str, dict[str, str]] = field(default_factory=dict)
    """Key of a request for workers → its answer."""
    doubtful: set[str] = field(default_factory=set)
    """Keys of requests that were passed on, and of which nobody has said yet what became of them."""
    hiring: asyncio.Lock = field(default_factory=asyncio.Lock)
    standing: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked_at: float = -math.inf
    """When the end of its jobs was last asked for, by a clock that nobody sets."""
    looks: int = 0
    """How often it was looked since whether they have ended."""
    said_at: float = -math.inf
    """When it was last said how many workers there are, by the same clock."""
    _listeners: int = 0
    _heard: bool = False
    _way: Link | None = None
    """The link that brought the last one who listened."""
    _left: float = field(default_factory=lambda: time.monotonic())  # noqa: PLW0108 (its clock is a part of the module)

    @property
    def listens(self) -> bool:
        return self._listeners > 0

    @property
    def gone(self) -> bool:
        lost = not self._heard or (self._way is not None and self._way.closed.is_set())
        return not self.listens and time.monotonic() - self._left > (_CUT if lost else _GONE)

    def doubt(self) -> None:
        """Nobody can tell just now: the way there is cut."""
        self._left = max(self._left, time.monotonic())

    @contextmanager
    def listener(self, way: Link | None = None) -> Iterator[None]:
        """`way`: the link of the job that it listens from. One that is lost takes the connection along, and tells nothing."""
        self._listeners += 1
        self._heard, self._way = True, way
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
