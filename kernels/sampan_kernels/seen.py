"""Which messages of a kernel have been here, also after this process was killed: what is told again is passed on once."""

from __future__ import annotations

import mmap
import os
import struct
from collections import deque
from hashlib import blake2b
from pathlib import Path
from typing import Final

__all__ = ["Seen"]

ROOM: Final = 1 << 15
"""Messages that are remembered: more than a replay of 64 MB holds of what was already told."""
_ENTRY: Final = struct.Struct("=Q")


class Seen:
    """In memory, and in a ring in `file` where one is given: memory that the operating system keeps, no write for each."""

    def __init__(self, file: Path | None = None) -> None:
        self._ring = _map(file) if file is not None else None
        self._order: deque[int] = deque()
        self._known: set[int] = set()
        self._next = 0
        if self._ring is not None:
            self._next = _ENTRY.unpack_from(self._ring, 0)[0] % ROOM
            for place in (*range(self._next, ROOM), *range(self._next)):
                if number := _ENTRY.unpack_from(self._ring, _ENTRY.size * (place + 1))[0]:
                    self._remember(number)

    def __contains__(self, message: str) -> bool:
        return _number(message) in self._known

    def add(self, message: str) -> bool:
        """Whether it was here before."""
        number = _number(message)
        if number in self._known:
            return True
        self._remember(number)
        if self._ring is not None:
            _ENTRY.pack_into(self._ring, _ENTRY.size * (self._next + 1), number)
            self._next = (self._next + 1) % ROOM
            _ENTRY.pack_into(self._ring, 0, self._next)
        return False

    def _remember(self, number: int) -> None:
        self._order.append(number)
        self._known.add(number)
        if len(self._order) > ROOM:
            self._known.discard(self._order.popleft())


def _number(message: str) -> int:
    return int.from_bytes(blake2b(message.encode(), digest_size=8).digest(), "little")


def _map(file: Path) -> mmap.mmap:
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.ftruncate(handle, _ENTRY.size * (ROOM + 1))
        return mmap.mmap(handle, _ENTRY.size * (ROOM + 1))
    finally:
        os.close(handle)
