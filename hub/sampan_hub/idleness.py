"""For how long nothing has been done in a session, by its own word. Who has not spoken lately is not idle, but unknown."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

__all__ = ["Idleness"]

BELIEVED: Final = 180.0
"""Seconds for which the word of a session counts; it speaks twice a minute."""
FRESH: Final = 45.0
"""The same for a word that ends it: it speaks more often shortly before that."""


@dataclass(frozen=True, slots=True)
class _Word:
    """`active_at`: when something was last done there. Both by a clock that nobody sets."""

    active_at: float
    heard_at: float


class Idleness:
    """What sessions say of themselves, in memory: after a restart of the broker they say it again.

    `limit`: seconds after which an idle session is ended; 0: never.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._words: dict[str, _Word] = {}

    def hear(self, launch: str, seconds: float) -> None:
        """The session of this launch says that nothing has been done in it for so long."""
        now = time.monotonic()
        self._words[launch] = _Word(now - max(0.0, seconds), now)

    def forget(self, launch: str) -> None:
        self._words.pop(launch, None)

    def left(self, launch: str) -> float | None:
        """In how many seconds it is ended if nothing is done there; negative where it is due. None: it is not."""
        word, now = self._words.get(launch), time.monotonic()
        if not self.limit or word is None or now - word.heard_at > BELIEVED:
            return None
        return word.active_at + self.limit - now

    def due(self, launch: str) -> bool:
        """Whether it has just said itself that it is idle for so long. What it has not said is not worked out here."""
        word, now = self._words.get(launch), time.monotonic()
        if not self.limit or word is None or now - word.heard_at > FRESH:
            return False
        return word.heard_at - word.active_at >= self.limit
