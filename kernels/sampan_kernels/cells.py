"""What a kernel was asked to run, and what became of it: so that nobody waits for a reply that was lost on the way."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

from sampan_kernels.parcel import Parcel
from sampan_kernels.seen import Seen, reply_to

__all__ = ["Cells"]

REMEMBERED: Final = 2000


class Cells:
    """By the id of the request; the oldest are forgotten. Which have their reply the server after this one knows too."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._asked: OrderedDict[str, Parcel] = OrderedDict()
        self._ends: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def begin(self, parcel: Parcel) -> None:
        self._asked[parcel.id] = parcel
        _shorten(self._asked)

    def note(self, parcel: Parcel) -> bool:
        """What is published of a cell; whether that was its end, and its reply has not come."""
        cell = str(parcel.parent.get("msg_id"))
        if reply_to(cell) in self._seen:
            return False
        end = self._ends.setdefault(cell, {"count": None, "error": None})
        _shorten(self._ends)
        if parcel.kind == "execute_input":
            end["count"] = parcel.content.get("execution_count")
        elif parcel.kind == "error":
            end["error"] = parcel.content
        return parcel.kind == "status" and parcel.content.get("execution_state") == "idle"

    def replied(self, cell: str) -> None:
        self._asked.pop(cell, None)
        self._ends.pop(cell, None)
        self._seen.add(reply_to(cell))

    def lost(self, cell: str) -> tuple[int | None, dict[str, Any] | None] | None:
        """How a cell ended that has no reply: its number and its error; None for one that has."""
        end = self._ends.get(cell)
        if end is None:
            return None
        self.replied(cell)
        return end["count"], end["error"]

    def asked(self) -> list[Parcel]:
        """What has no reply yet."""
        return list(self._asked.values())

    def clear(self) -> None:
        self._asked.clear()
        self._ends.clear()


def _shorten(some: OrderedDict[str, Any]) -> None:
    while len(some) > REMEMBERED:
        some.popitem(last=False)
