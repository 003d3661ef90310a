"""What a kernel has published, in its order: what was sent lately, and what is to be sent. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

__all__ = ["AGAIN", "ROOM", "Frames", "Tape"]

Frames = Sequence[bytes]
ROOM: Final = 64 * 2**20
"""Bytes that are kept in all; beyond that the oldest go."""
AGAIN: Final = 16 * 2**20
"""Bytes of what was sent that are kept to be sent again: more than the way to a client holds."""
FEW: Final = 1000
"""As many messages are kept all the same, however large."""
MANY: Final = 20_000
"""And never more than that: who hears it has to know them again."""
_BESIDE: Final = 64
"""Bytes that a frame costs beside its own."""


class Tape:
    """Messages come in by :meth:`add` and go out by :meth:`take`, each once, unless it is wound back in between."""

    def __init__(self, room: int = ROOM, again: int = AGAIN, few: int = FEW, many: int = MANY) -> None:
        self._room, self._again, self._few, self._many = room, again, few, many
        self._sent: deque[Frames] = deque()
        self._next: deque[Frames] = deque()
        self._sent_size = self._next_size = 0

    def add(self, frames: Frames) -> None:
        self._next.append(frames)
        self._next_size += _size(frames)
        while self._sent_size + self._next_size > self._room and len(self._sent) + len(self._next) > 1:
            if self._sent:
                self._forget()
            else:
                self._next_size -= _size(self._next.popleft())

    def look(self) -> Frames | None:
        """The next one to be sent."""
        return self._next[0] if self._next else None

    def take(self) -> None:
        """It was sent."""
        frames = self._next.popleft()
        self._next_size -= _size(frames)
        self._sent.append(frames)
        self._sent_size += _size(frames)
        while len(self._sent) > self._many or (self._sent_size > self._again and len(self._sent) > self._few):
            self._forget()

    def rewind(self) -> None:
        """What was sent lately is to be sent again, before what was not."""
        self._next.extendleft(reversed(self._sent))
        self._next_size += self._sent_size
        self._sent.clear()
        self._sent_size = 0

    def _forget(self) -> None:
        self._sent_size -= _size(self._sent.popleft())


def _size(frames: Frames) -> int:
    return sum(len(frame) + _BESIDE for frame in frames)
