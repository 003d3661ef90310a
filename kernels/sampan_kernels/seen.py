"""Which messages of a kernel have been here, and which of them a page has got: what is told again is passed on once.

The second outlives this process. What was here and reached no page when it was killed, on its way or kept for a page that was
asleep, is new to the server after it.
"""

from __future__ import annotations

import logging
import mmap
import os
import struct
from collections import deque
from hashlib import blake2b
from pathlib import Path
from typing import Final

__all__ = ["Seen", "reply_to"]

ROOM: Final = 1 << 17
"""Messages that are remembered: twice what a launcher tells again at most, so that there is room for what a relay adds."""
_ENTRY: Final = struct.Struct("=Q")
log = logging.getLogger(__name__)


class Seen:
    """`add` is for the thread that hears the kernel, `told` for the one that writes to pages: they share nothing.

    What was told is in a ring in `file`, where one is given: memory that the operating system keeps, no write for each.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._here, self._told = _Last(), _Last()
        self._ring = _map(file) if file is not None else None
        self._next = 0
        if self._ring is not None:
            self._next = _ENTRY.unpack_from(self._ring, 0)[0] % ROOM
            for place in (*range(self._next, ROOM), *range(self._next)):
                if number := _ENTRY.unpack_from(self._ring, _ENTRY.size * (place + 1))[0]:
                    self._here.add(number)
                    self._told.add(number)

    def __contains__(self, message: str) -> bool:
        return _number(message) in self._here.known

    def add(self, message: str) -> bool:
        """Whether it was here before."""
        return self._here.add(_number(message))

    def told(self, message: str) -> None:
        """A page has it: the server after this one need not tell it."""
        number = _number(message)
        if self._ring is None or self._told.add(number):
            return
        _ENTRY.pack_into(self._ring, _ENTRY.size * (self._next + 1), number)
        self._next = (self._next + 1) % ROOM
        _ENTRY.pack_into(self._ring, 0, self._next)


class _Last:
    """The last numbers that came, each once."""

    def __init__(self) -> None:
        self.known: set[int] = set()
        self._order: deque[int] = deque()

    def add(self, number: int) -> bool:
        """Whether it is one of them."""
        if number in self.known:
            return True
        self._order.append(number)
        self.known.add(number)
        if len(self._order) > ROOM:
            self.known.discard(self._order.popleft())
        return False


def reply_to(cell: str) -> str:
    """What the reply to that request is remembered by: it is told from a made up one by nothing else."""
    return f"reply {cell}"


def _number(message: str) -> int:
    return int.from_bytes(blake2b(message.encode(), digest_size=8).digest(), "little")


def _map(file: Path) -> mmap.mmap | None:
    """None where there is no room: whoever writes into a mapped file on a full disk is killed."""
    size = _ENTRY.size * (ROOM + 1)
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(handle, 0, size)
            return mmap.mmap(handle, size)
        finally:
            os.close(handle)
    except OSError as error:
        log.warning("what pages have got is not remembered for the next server: %s", error)
        return None
