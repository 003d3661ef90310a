"""What was read of each launch, until something is written to it: a crowd that waits is looked at every second."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

__all__ = ["Remembered"]

T = TypeVar("T")

LARGEST: Final = 10_000
"""Launches. Beyond, everything is read anew: who lives is soon here again, and who has ended is not."""


class Remembered(Generic[T]):
    """For frozen values and one writer, who calls :meth:`forget` when a write is over, whether it was kept or not."""

    def __init__(self) -> None:
        self._known: dict[str, T] = {}
        self._reading: dict[str, object] = {}

    async def find(self, launch: str, read: Callable[[], Awaitable[T]]) -> T:
        """What is known of that launch, or what `read` returns. Nothing (None) is not remembered."""
        if launch in self._known:
            return self._known[launch]
        token = self._reading[launch] = object()
        try:
            found = await read()
        finally:
            # Somebody has written in between, or reads later than we did: nobody knows which of the two this one is.
            latest = self._reading.get(launch) is token
            if latest:
                del self._reading[launch]
        if latest and found is not None:
            if len(self._known) >= LARGEST:
                self._known.clear()
            self._known[launch] = found
        return found

    def forget(self, launch: str) -> None:
        self._known.pop(launch, None)
        self._reading.pop(launch, None)
