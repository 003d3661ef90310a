"""How often something may be asked for: so many at once, then so many each second."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

__all__ = ["Rate"]


class Rate:
    """Token buckets by kind and name. `limits`: kind → (most at once, gained each second)."""

    def __init__(
        self, limits: Mapping[str, tuple[int, float]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._left: dict[tuple[str, str], tuple[float, float]] = {}

    def take(self, *wanted: tuple[str, str]) -> bool:
        """One of each (kind, name), or none of any."""
        now = self._clock()
        left = {key: self._now(key, now) for key in wanted}
        if any(count < 1 for count in left.values()):
            return False
        for key, count in left.items():
            self._left[key] = count - 1, now
        return True

    def _now(self, key: tuple[str, str], now: float) -> float:
        most, gain = self._limits[key[0]]
        count, at = self._left.get(key, (float(most), now))
        return min(float(most), count + gain * (now - at))
