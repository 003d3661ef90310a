"""A span of time as people say it: rounded outwards, so that no more is promised than is known."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Any, Final

from sampan.messages import Message

__all__ = ["Span", "amount", "at_most"]

_UNITS: Final = (("s", 1), ("min", 60), ("h", 3600), ("d", 86400))
_STEPS: Final = (
    (1, (1, 2, 5, 10, 15, 20, 30, 45)),
    (60, (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 45)),
    (3600, (1, 1.5, 2, 3, 4, 6, 8, 12, 18)),
    (86400, (1, 1.5, 2, 3, 5, 7, 14, 30)),
)
_LADDER: Final = tuple(float(unit * step) for unit, steps in _STEPS for step in steps)
"""The only amounts that are ever said, in seconds."""


@dataclass(frozen=True, slots=True)
class Span:
    """From `low` to `high` seconds: what real waits of `starts` starts say. `high` infinite: nobody has seen the end of it.

    `sure`: made of enough starts to hold for eight of ten; else it is only what there was so far. `plan`: in how many seconds
    the scheduler expects it, where it was asked.
    """

    low: float
    high: float
    starts: int
    sure: bool
    plan: float | None = None

    def clip(self, seconds: float) -> float:
        """The nearest time within it."""
        return min(max(seconds, self.low), self.high)

    @property
    def _empty(self) -> bool:
        return not self.starts or (not self.low and math.isinf(self.high))

    def say(self) -> Message:
        """A sentence about starts there."""
        if self._empty:
            return Message("wait.not_known" if self.plan is None else "wait.unproven")
        if not self.sure:
            if self.starts == 1:
                return Message("wait.one", {"span": self.range()})
            return Message("wait.few", {"starts": self.starts, "span": self.range()})
        if math.isinf(self.high):
            return Message("wait.open", {"low": amount(_down(self.low))})
        return Message("wait.usual", {"span": self.range()})

    def short(self) -> Message:
        """The same for a column of a table."""
        if self._empty and self.plan is not None:
            return Message("wait.short_plan", {"about": amount(self.plan)})
        if self._empty:
            return Message("wait.short_not_known")
        if not self.sure:
            return Message("wait.short_few", {"starts": self.starts, "span": self.range()})
        return self.range()

    def range(self) -> Message:
        """`1–4 min`, `20 s to 4 min`, `2 h or longer`; from nothing on only the end is said."""
        low = _down(self.low)
        if math.isinf(self.high):
            return Message("time.open", {"low": amount(low)})
        high = _up(self.high)
        if low in (0.0, high):
            return amount(high)
        (unit, size), (upper, _) = _unit(low), _unit(high)
        if unit == upper:
            return Message(f"time.range_{unit}", {"low": _number(low / size), "high": _number(high / size)})
        return Message("time.range", {"low": amount(low), "high": amount(high)})

    def to_json(self) -> dict[str, Any]:
        """Seconds as they are said, and the words. `high` null: open."""
        return {
            "low": _down(self.low),
            "high": None if math.isinf(self.high) else _up(self.high),
            "starts": self.starts,
            "sure": self.sure,
            "words": self.say().to_json(),
            "short": self.short().to_json(),
        }


def amount(seconds: float) -> Message:
    """About so long: the nearest amount that is said at all."""
    below, above = _down(seconds), _up(seconds)
    return _said(below if below and seconds - below < above - seconds else above)


def at_most(seconds: float) -> Message:
    """The largest amount that is said and is no more."""
    return _said(_down(seconds))


def _said(seconds: float) -> Message:
    unit, size = _unit(seconds)
    return Message(f"time.{unit}", {"n": _number(seconds / size)})


def _down(seconds: float) -> float:
    at = bisect_right(_LADDER, seconds)
    return _LADDER[at - 1] if at else 0.0


def _up(seconds: float) -> float:
    at = bisect_left(_LADDER, seconds)
    return _LADDER[at] if at < len(_LADDER) else float(math.ceil(seconds / 86400) * 86400)


def _unit(seconds: float) -> tuple[str, int]:
    return next((name, size) for name, size in reversed(_UNITS) if seconds >= size or size == 1)


def _number(value: float) -> str:
    return f"{value:g}"
