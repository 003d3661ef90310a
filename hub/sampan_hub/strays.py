"""Jobs of ours that no row knows, and how sure we are that there are no others. In memory: a restart begins to look anew."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Literal

__all__ = ["YOUNG", "Fate", "Stray", "Strays"]

EVERY: Final = 60.0
"""Seconds between sweeps of a centre."""
SOON: Final = 5.0
"""The same while it has not told of all jobs yet, or something found there waits to be settled."""
YOUNG: Final = 60.0
"""Seconds after which what is not settled yet is looked at like everything else."""
FIRST: Final = 5.0
"""Seconds after a start of the broker in which new launches wait for the first sweeps."""

Fate = Literal["adopted", "drained", "cancelled", "foreign"]
"""What became of a job that a sweep found: a row again; ended without one; ended after its row's end; not ours to touch."""


@dataclass(slots=True)
class Stray:
    """A job of ours without a row. `since`: when it was first found, by a clock that nobody sets. `why` it has no row yet."""

    tag: str
    account: str
    since: float
    why: str = ""
    draining: bool = False
    """Whether its end was asked for."""


@dataclass
class Strays:
    """What the sweeps found since the start of this process."""

    found: dict[tuple[str, str], Stray] = field(default_factory=dict)
    """(centre, job) → what is not settled yet."""
    foreign: set[tuple[str, str]] = field(default_factory=set)
    """(centre, job) that carries a tag of ours, and papers that are not for it there: looked at once, never touched."""
    heard: dict[str, set[str | None]] = field(default_factory=dict)
    """Centre → the accounts that it has told the jobs of; None: everybody's."""
    sought: set[str] = field(default_factory=set)
    """People of whom a launch was asked for that nobody knows."""
    counts: Counter[tuple[str, Fate]] = field(default_factory=Counter)
    """(centre, fate) → how many jobs."""
    _whole: dict[str, asyncio.Event] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)

    def forget(self, centre: str) -> None:
        """It has gone, or was described anew."""
        self.heard.pop(centre, None)
        self._whole.pop(centre, None)
        for key in [key for key in self.found if key[0] == centre]:
            del self.found[key]

    def hear(self, centre: str, account: str | None) -> None:
        self.heard.setdefault(centre, set()).add(account)

    def whole(self, centre: str) -> asyncio.Event:
        """Set when the centre has been swept once, from one end to the other."""
        return self._whole.setdefault(centre, asyncio.Event())

    async def first(self, centres: Iterable[str]) -> None:
        """Until each of those was swept once since the start; of one that gives no answer not for long."""
        waiting = [event for event in map(self.whole, centres) if not event.is_set()]
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, self._began + FIRST - time.monotonic())):
                for event in waiting:
                    await event.wait()

    def find(self, centre: str, job: str, tag: str, account: str) -> Stray:
        """The stray of that number."""
        known = self.found.get((centre, job))
        if known is None or known.tag != tag:
            known = self.found[centre, job] = Stray(tag, account, time.monotonic())
        return known

    def settle(self, centre: str, job: str, fate: Fate) -> None:
        self.found.pop((centre, job), None)
        self.counts[centre, fate] += 1

    def gone(self, centre: str, living: Collection[str]) -> None:
        """Forgets what the centre, having told of everybody's jobs, does not tell of any more."""
        for key in [key for key in self.found if key[0] == centre and key[1] not in living]:
            del self.found[key]
        self.foreign -= {key for key in self.foreign if key[0] == centre and key[1] not in living}

    def of(self, launch: str) -> bool:
        """Whether a job of that launch is found and not settled."""
        return any(stray.tag.split("-")[2] == launch for stray in self.found.values())

    def pause(self, centre: str) -> float:
        """Seconds to the next sweep of that centre."""
        young = time.monotonic() - YOUNG
        waits = any(key[0] == centre and stray.since > young for key, stray in self.found.items())
        return SOON if waits or not self.whole(centre).is_set() else EVERY
