"""Watching one centre: its capacity, and the state of our jobs there. One question of each kind a tick, for everybody."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from sampan.errors import SampanError, Unreachable
from sampan.stages import Seen
from sampan_hub.capacity import Capacity, Reading, believable
from sampan_hub.centre import Centre
from sampan_hub.hearing import Hearing
from sampan_hub.job_watch import JobWatch
from sampan_hub.jobs import JobStatus
from sampan_hub.rules import with_closings
from sampan_hub.seldom import Seldom
from sampan_hub.survey import Survey

__all__ = ["BELIEVED", "BUSY_TICK", "IDLE_TICK", "Watch"]

log = logging.getLogger(__name__)

BUSY_TICK = 1.0
"""Seconds between questions while something of ours is between submitted and ready at the centre."""
IDLE_TICK = 10.0
BELIEVED = 10.0
"""Seconds that a capacity may be believed; later it is unknown, never free."""
_OF_ALL = ("capacity", "status")
"""Questions whose failure is a trouble of the centre; others are one person's, or about the past."""


class Watch:
    """What is known of a centre and since when.

    The questions fail and heal each for itself: free nodes may be told while nobody can say how jobs are.
    """

    def __init__(self, centre: Centre, told: Callable[[bool], None]) -> None:
        """`told` is called after each tick, with whether anything is different from before."""
        self.centre = centre
        self.capacity: Capacity | None = None
        self.survey: Survey | None = None
        """What `capacity` comes to for a decision."""
        self._hearing = Hearing(centre)
        self.jobs = JobWatch(self._hearing, IDLE_TICK)
        self.seldom = Seldom(self._hearing, self._put_together)
        self._reading: tuple[Reading, float] | None = None
        """The last answer about capacity, and when it was asked for."""
        self._believed_until = 0.0
        self._asked_capacity = 0.0
        self._told = told
        self._hurry = asyncio.Event()
        self._wish = 0.0, 0.0
        """When somebody was in a hurry, by a clock that nobody sets, and how much later it is worth to look."""
        self._measuring: asyncio.Task[None] | None = None

    @property
    def heard_at(self) -> float | None:
        """When the centre last answered anything."""
        return self._hearing.heard_at

    @property
    def _failures(self) -> list[tuple[SampanError, float]]:
        failures = self._hearing.failures
        return [failures[question] for question in _OF_ALL if question in failures]

    @property
    def trouble(self) -> SampanError | None:
        """The failure that is longest without an answer since; None while all is well."""
        return min(self._failures, key=lambda failure: failure[1])[0] if self._failures else None

    @property
    def trouble_since(self) -> float | None:
        return min((at for _, at in self._failures), default=None)

    @property
    def seen(self) -> Seen:
        """What the last looks said of the centre as a whole."""
        if any(isinstance(error, Unreachable) for error, _ in self._failures):
            return Seen.UNREACHABLE
        return Seen.UNKNOWN if self._failures or not self._hearing.heard else Seen.ALIVE

    @property
    def statuses(self) -> Mapping[str, JobStatus]:
        """The last answer for each followed job."""
        return self.jobs.statuses

    def follow(self, job: str, account: str, *, busy: bool) -> None:
        """Asks about this job of that account from now on; `busy` while it is on its way to ready.

        In the first tick not at once, but when a scheduler with room may have started it.
        """
        if self.jobs.follow(job, account, busy=busy):
            self.hurry(self.centre.scheduler.settles)

    def forget(self, job: str) -> None:
        self.jobs.forget(job)

    def hurry(self, after: float = 0.0) -> None:
        """Begins the next tick now, if this one is over; something is known to have changed, or will be so many seconds on."""
        if not self._hurry.is_set():
            self._wish = time.monotonic(), after
            self._hurry.set()

    def fresh(self) -> Capacity | None:
        """The capacity while it may be believed; None when it is out of date or was asked for in vain since."""
        # By a clock that nobody sets: a jump of the wall clock makes nothing believable again.
        believed = time.monotonic() <= self._believed_until and "capacity" not in self._hearing.failures
        return self.capacity if believed and not self.jobs.waiting_trouble else None

    async def measure(self, deadline: float = 5.0) -> None:
        """Asks for the capacity once, for however many wait for it; a failure is remembered, not raised."""
        if self._measuring is None or self._measuring.done():
            self._measuring = asyncio.create_task(self._measure(deadline))
        await asyncio.shield(self._measuring)

    async def probe(self) -> None:
        """Asks a centre in trouble whether it is back, not more often than a tick would."""
        if time.monotonic() - self._asked_capacity >= BUSY_TICK:
            await self.measure()

    async def _measure(self, deadline: float) -> None:
        asked_at, self._asked_capacity = time.time(), time.monotonic()
        try:
            ask = self.centre.scheduler.capacity()
            read = ask.parse
            ask = replace(ask, parse=lambda done: believable(read(done)))
            self._reading = await self._hearing.ask("capacity", ask, deadline), asked_at
        except SampanError:
            return
        self._believed_until = self._asked_capacity + BELIEVED
        self._put_together()

    async def look(self, deadline: float = 10.0) -> None:
        """Asks for the state of every followed job, and what waits."""
        before = self.jobs.waiting, self.jobs.waiting_since
        await self.jobs.look(deadline)
        if self.jobs.waiting is not None and before != (self.jobs.waiting, self.jobs.waiting_since):
            self._put_together()

    def _put_together(self) -> None:
        """What is free and what waits, as one capacity; it is as old as the older of the two answers."""
        if self._reading is None:
            return
        reading, asked_at = self._reading
        if self.jobs.waiting is not None:
            reading = replace(reading, pending=self.jobs.waiting)
            asked_at = min(asked_at, self.jobs.waiting_since)
        reading = with_closings(reading, self.seldom.rules, time.time())
        self.capacity = Capacity(self.centre.id, reading, asked_at, asked_at + BELIEVED)
        self.survey = Survey(self.centre.facts, self.capacity)

    async def tick(self) -> None:
        """Jobs first, then what is free: a job that starts in between is counted twice for a moment, never not at all."""
        looking = asyncio.create_task(self.look())
        try:
            # A question about jobs that hangs does not keep the other one waiting.
            await asyncio.wait({looking}, timeout=BUSY_TICK)
            await self.measure()
            await looking
        finally:
            looking.cancel()

    async def run(self) -> None:
        """Ticks until cancelled. Nothing that a centre does or says ends it."""
        began = time.monotonic()
        try:
            while True:
                began = await self._round(began)
        finally:
            await self.seldom.close()

    async def _round(self, began: float) -> float:
        """One tick, which began then; returns when the next one did, in which nobody has asked yet."""
        before = self._news()
        self.seldom.begin()
        try:
            await self.tick()
        except Exception:
            log.exception("watching %s failed; going on", self.centre.id)
        self._told(bool(self.jobs.absent) or before != self._news())
        # One that is set aside is asked again by the breaker's clock: here it is only offered.
        soon = self.jobs.busy or self.centre.bulkhead.breaker.open
        # Ticks that a slow answer took are gone.
        over = max(began + BUSY_TICK, time.monotonic())
        return await self._pause(max(over, began + (BUSY_TICK if soon else IDLE_TICK)), over)

    def _news(self) -> object:
        """What those who are ready want to be woken for."""
        return dict(self.statuses), self.seen, self.jobs.sights()

    async def _pause(self, until: float, over: float) -> float:
        """Waits for the next tick: at `until`, or for who is in a hurry as soon as this one is `over`."""
        try:
            async with asyncio.timeout(until - time.monotonic()):
                await self._hurry.wait()
        except TimeoutError:
            return until
        self._hurry.clear()
        # A burst of hurries makes one question, not one each.
        wish, after = self._wish
        began = max(over, wish)
        await asyncio.sleep(min(max(began, wish + after), until) - time.monotonic())
        return began
