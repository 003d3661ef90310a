"""How long starts take: what was predicted beside what really was, and an interval of it that keeps what it promises.

An interval is made of order statistics of real waits. With n of them that are alike, the next one lies between the k-th
smallest and the k-th largest in (n + 1 - 2k) of n + 1 cases, whatever their distribution is: k is chosen so that this is
eight of ten or more, which takes nine. A wait that was given up says only that it would have been longer, and counts so
(Kaplan and Meier's estimate); left out, those who lose patience would make every queue look short.
Values in, values out.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from sampan.need import Need
from sampan_hub.spans import Span

__all__ = ["ENOUGH", "KEPT", "History", "Wait", "interval", "remaining"]

ENOUGH: Final = 9
"""Starts from which on eight of ten can be promised."""
KEPT: Final = 200
"""Waits remembered of each share: older ones tell of another time."""
_NEWEST: Final = 60
"""Of those that were alike, so many are looked at."""
_OUTSIDE: Final = 0.1
"""Of all starts, how many may be sooner than the interval, and how many later."""
_SLACK: Final = 10.0
"""Seconds that a prediction is off for reasons that have nothing to do with how far ahead it looks."""
_ALIKE: Final = 1.001
"""Sizes that differ by no more than a factor of two, in powers of two."""

_Key = tuple[str, str]
_Seen = tuple[float, bool]
"""Seconds, and whether that was the end of the wait."""


@dataclass(frozen=True, slots=True)
class Wait:
    """One job's wait from its submission on, in seconds; `started` False: given up after so long.

    `predicted`: what its scheduler had said. `ahead`: how many were before it when it was placed; None: there was room.
    `cores`, `minutes`: its shape. `at`: when, in seconds since the epoch.
    """

    seconds: float
    cores: int
    minutes: int
    at: float
    predicted: float | None = None
    ahead: int | None = None
    started: bool = True


_NONE: Final = Span(0.0, math.inf, 0, sure=False)


def interval(
    waits: Sequence[Wait], need: Need, *, ahead: int | None = None, predicted: float | None = None
) -> Span:
    """How long a start of this need takes where those were, if there are so many ahead (None: there is room).

    `waits`: of one share, the newest first. Where the scheduler predicts and has been measured often enough, the interval is
    its prediction, stretched by how wrong it was; else it is what similar jobs waited.
    """
    alike = [wait for wait in waits if (wait.ahead is None) == (ahead is None)]
    if predicted is not None:
        stretched = _stretched(alike, predicted)
        if len(stretched) >= ENOUGH:
            return _span(stretched, predicted)
    return _span([(wait.seconds, wait.started) for wait in _similar(alike, need, ahead)], predicted)


def remaining(waits: Sequence[Wait], need: Need, waited: float, *, ahead: int) -> Span | None:
    """How much longer, for one that has waited so long already; None: hardly anybody there has ever waited longer."""
    similar = _similar([wait for wait in waits if wait.ahead is not None], need, ahead)
    longer = [(wait.seconds - waited, wait.started) for wait in similar if wait.seconds > waited]
    if len(similar) >= ENOUGH and len(longer) <= _OUTSIDE * len(similar):
        return None
    return _span(longer)


def _similar(waits: Sequence[Wait], need: Need, ahead: int | None) -> Sequence[Wait]:
    """The waits that are most like this one: in place and size, else in place alone, else all of them."""
    near = [wait for wait in waits if _near((wait.ahead or 0) + 1, (ahead or 0) + 1)]
    same = [wait for wait in near if _near(wait.cores, need.cores) and _near(wait.minutes, need.minutes)]
    found = next((some for some in (same, near) if len(some) >= ENOUGH), waits)
    return found[:_NEWEST]


def _near(one: float, other: float) -> bool:
    return abs(math.log2(max(one, 1) / max(other, 1))) <= _ALIKE


def _stretched(waits: Iterable[Wait], predicted: float) -> list[_Seen]:
    """What this prediction would have become with each error that was made."""
    found = []
    for wait in waits:
        if wait.predicted is not None:
            error = (wait.seconds + _SLACK) / (max(0.0, wait.predicted) + _SLACK)
            found.append((max(0.0, (max(0.0, predicted) + _SLACK) * error - _SLACK), wait.started))
    return found[:_NEWEST]


def _span(seen: Sequence[_Seen], plan: float | None = None) -> Span:
    if not seen:
        return replace(_NONE, plan=plan)
    if len(seen) < ENOUGH:
        longest = max(seconds for seconds, _ in seen)
        ended = any(started for seconds, started in seen if seconds == longest)
        return Span(
            min(seconds for seconds, _ in seen),
            longest if ended else math.inf,
            len(seen),
            sure=False,
            plan=plan,
        )
    low, high, still = 0.0, math.inf, 1.0
    # One more than there are: the next one, of which nothing is known.
    at_risk = len(seen) + 1
    # Of two at the same second, the one that ended comes first: the other was seen to last longer.
    for seconds, started in sorted(seen, key=lambda one: (one[0], not one[1])):
        if started:
            still *= (at_risk - 1) / at_risk
            if still >= 1 - _OUTSIDE - 1e-9:
                low = seconds
            if still <= _OUTSIDE + 1e-9:
                high = seconds
                break
        at_risk -= 1
    return Span(low, high, len(seen), sure=True, plan=plan)


class History:
    """The waits of every share, the newest first. Never changed: what comes makes a new one."""

    def __init__(self, waits: Mapping[_Key, Sequence[Wait]] | None = None) -> None:
        self._waits = {key: tuple(some[:KEPT]) for key, some in (waits or {}).items()}
        medians = ((key, _median(some)) for key, some in self._waits.items())
        usual = {key: median for key, median in medians if median is not None}
        self.usual: Mapping[_Key, float] = MappingProxyType(usual)
        """(centre, share) → the seconds that half of those who had to wait there waited at most."""

    def of(self, centre: str, share: str) -> tuple[Wait, ...]:
        return self._waits.get((centre, share), ())

    def with_(self, centre: str, share: str, wait: Wait) -> History:
        """This history and one more wait."""
        key, more = (centre, share), History()
        more._waits = {**self._waits, key: (wait, *self.of(centre, share))[:KEPT]}
        median = _median(more._waits[key])
        more.usual = MappingProxyType({**self.usual, **({} if median is None else {key: median})})
        return more


def _median(waits: Iterable[Wait]) -> float | None:
    """Of the starts that had to wait; None where there were none."""
    queued = [wait.seconds for wait in waits if wait.ahead is not None and wait.started]
    return statistics.median(queued) if queued else None
