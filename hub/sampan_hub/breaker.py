"""Whether it is worth trying just now: after silences in a row nobody tries for a while, then one does, for all."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sampan.errors import SampanError

__all__ = ["Breaker"]


class Breaker:
    """Closed while there are answers; open for a while after `most` silences in a row; then one attempt decides.

    `silence`: whether an error says that nobody answered. What is neither an answer nor a silence changes nothing.
    `waits`: seconds of the first while and of the longest one; doubled each time, and never the same for two breakers.
    """

    def __init__(
        self, silence: Callable[[SampanError], bool], *, most: int, waits: tuple[float, float]
    ) -> None:
        self._silence = silence
        self._most = most
        self._first, self._longest = waits
        self._silences = 0
        self._why: SampanError | None = None
        self._until = 0.0
        self._probing = False

    @property
    def open(self) -> bool:
        """Whether the last attempts met silence, so that at most one is made at a time."""
        return self._why is not None

    @property
    def shut(self) -> SampanError | None:
        """Why nobody is let through now: the silence that was met last. None for whoever may try."""
        return self._why if self._probing or time.monotonic() < self._until else None

    @contextmanager
    def attempt(self, *, telling: bool = True) -> Iterator[None]:
        """Around one attempt, of somebody who found it not `shut`, with no await in between.

        `telling`: whether a silence of this one says anything; not where it was given no time to answer.
        """
        probe = self._probing = self.open
        try:
            yield
        except SampanError as error:
            if telling and self._silence(error) and (probe or not self.open):
                self._silent(error)
            raise
        else:
            self._silences, self._why, self._until = 0, None, 0.0
        finally:
            if probe:
                self._probing = False

    def _silent(self, error: SampanError) -> None:
        self._silences += 1
        beyond = self._silences - self._most
        if beyond < 0:
            return
        wait = min(self._longest, self._first * 2.0 ** min(beyond, 10))
        # Not for secrets: so that not all centres are tried in the same moment.
        self._why, self._until = error, time.monotonic() + wait * random.uniform(0.75, 1.25)  # noqa: S311
