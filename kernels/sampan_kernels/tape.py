"""What a kernel has published, in its order: what was sent, and what is to be sent. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

__all__ = ["LEAST", "ROOM", "Frames", "Tape"]

Frames = Sequence[bytes]
ROOM: Final = 64 * 2**20
"""Bytes that are kept, whether they were sent or not; beyond that the oldest go."""
LEAST: Final = 1024
"""Bytes that a message counts at least. So 65,536 are kept at most: who hears them again has to know them by their ids."""
_BESIDE: Final = 64
"""Bytes that a frame costs beside its own."""


class Tape:
    """Messages come in by :meth:`add` and go out by :meth:`take`, each once, unless it is wound back in between."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._sent: deque[Frames] = deque()
        self._next: deque[Frames] = deque()
        self._size = 0

    def add(self, frames: Frames) -> None:
        self._next.append(frames)
        self._size += _size(frames)
        while self._size > self._room and len(self._sent) + len(self._next) > 1:
            self._size -= _size((self._sent or self._next).popleft())

    def look(self) -> Frames | None:
        """The next one to be sent."""
        return self._next[0] if self._next else None

    def take(self) -> None:
        """It was sent."""
        self._sent.append(self._next.popleft())

    def rewind(self) -> None:
        """What was sent is to be sent again, before what was not."""
        self._next.extendleft(reversed(self._sent))
        self._sent.clear()


def _size(frames: Frames) -> int:
    return max(LEAST, sum(len(frame) + _BESIDE for frame in frames))
