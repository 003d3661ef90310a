"""Watching one centre: its capacity, and the state of our jobs there. One question of each kind a tick, for everybody."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from sampan.errors import SampanError, Unavailable, Unreachable
from sampan.stages import Seen
from sampan_hub.capacity import Capacity
from sampan_hub.centre import Centre
from sampan_hub.jobs import JobStatus

__all__ = ["BELIEVED", "BUSY_TICK", "IDLE_TICK", "Watch"]

log = logging.getLogger(__name__)

BUSY_TICK = 1.0
"""Seconds between questions while something of ours is between submitted and ready at the centre."""
IDLE_TICK = 10.0
BELIEVED = 10.0
"""Seconds that a capacity may be believed; later it is unknown, never free."""
_FORGOTTEN = 3
"""Answers in a row without a job before the scheduler is taken at its word that it no longer knows it."""


class Watch:
    """What is known of a centre and since when.

    `statuses` holds the last answer for each followed job; `absent` counts answers in a row in which a followed job was
    missing. `trouble` is the last failure to get an answer, None after a success; `heard_at` the last success.
    """

    def __init__(self, centre: Centre, told: Callable[[str], None]) -> None:
        self.centre = centre
        self.capacity: Capacity | None = None
        self.heard_at: float | None = None
        self.trouble: SampanError | None = None
        self.trouble_since: float | None = None
        self.statuses: dict[str, JobStatus] = {}
        self.absent: dict[str, int] = {}
        self.seen: Seen = Seen.UNKNOWN
        self._told = told
        self._followed: dict[str, bool] = {}
        self._hurry = asyncio.Event()
        self._measuring: asyncio.Task[None] | None = None

    def follow(self, job: str, *, busy: bool) -> None:
        """Asks about this job from now on; `busy` while it is on its way to ready."""
        news = self._followed.get(job)
        self._followed[job] = busy
        if news is None or (busy and not news):
            self._hurry.set()

    def forget(self, job: str) -> None:
        for table in (self._followed, self.statuses, self.absent):
            table.pop(job, None)

    def hurry(self) -> None:
        """Asks again now rather than at the next tick: something is known to have changed."""
        self._hurry.set()

    def fresh(self) -> Capacity | None:
        """The capacity while it may be believed; None when it is out of date."""
        capacity = self.capacity
        return capacity if capacity is not None and time.time() <= capacity.valid_until else None

    async def measure(self, deadline: float = 5.0) -> None:
        """Asks for the capacity once, for however many wait for it; a failure is remembered, not raised."""
        if self._measuring is None or self._measuring.done():
            self._measuring = asyncio.create_task(self._measure(deadline))
        await asyncio.shield(self._measuring)

    async def _measure(self, deadline: float) -> None:
        asked_at = time.time()
        try:
            reading = await self.centre.ask(self.centre.scheduler.capacity(), deadline=deadline)
        except SampanError as error:
            self._failed(error)
            return
        self.capacity = Capacity(self.centre.id, reading, asked_at, asked_at + BELIEVED)
        self._heard()

    async def look(self, deadline: float = 10.0) -> None:
        """Asks for the state of every followed job in one command."""
        ids = sorted(self._followed)
        if not ids:
            return
        try:
            answer = await self.centre.ask(self.centre.scheduler.status(ids), deadline=deadline)
        except SampanError as error:
            self._failed(error)
            return
        self._heard()
        for job in ids:
            if job in answer:
                self.absent.pop(job, None)
                self.statuses[job] = answer[job]
            elif job in self._followed:
                self.absent[job] = self.absent.get(job, 0) + 1

    def gone(self, job: str) -> bool:
        """Whether the scheduler, asked several times and answering each time, no longer knows this job."""
        return self.absent.get(job, 0) >= _FORGOTTEN

    async def run(self) -> None:
        """Ticks until cancelled. Nothing that a centre does or says ends it."""
        while True:
            began = time.monotonic()
            try:
                await asyncio.gather(self.measure(), self.look())
            except Exception:
                log.exception("watching %s failed; going on", self.centre.id)
            self._told(self.centre.id)
            tick = BUSY_TICK if any(self._followed.values()) or self.absent else IDLE_TICK
            await self._pause(max(0.0, tick - (time.monotonic() - began)), at_least=began + BUSY_TICK / 4)

    async def _pause(self, seconds: float, at_least: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        except TimeoutError:
            return
        self._hurry.clear()
        # Somebody is in a hurry; still, a burst of hurries makes one question, not one each.
        await asyncio.sleep(max(0.0, at_least - time.monotonic()))

    def _heard(self) -> None:
        self.heard_at = time.time()
        self.trouble = self.trouble_since = None
        self.seen = Seen.ALIVE

    def _failed(self, error: SampanError) -> None:
        if self.trouble is None:
            self.trouble_since = time.time()
            log.warning("%s gives no answer: %s", self.centre.id, error)
        self.trouble = error
        self.seen = Seen.UNREACHABLE if isinstance(error, Unreachable) else Seen.UNKNOWN

    @property
    def unheard_seconds(self) -> float:
        """How long this centre has given no answer; 0 while it answers."""
        return 0.0 if self.trouble_since is None else max(0.0, time.time() - self.trouble_since)

    def require(self) -> None:
        """Raises what the last question raised, for a caller that cannot go on without an answer."""
        if self.trouble is not None:
            raise self.trouble
        if self.heard_at is None:
            raise Unavailable("centre.no_answer", centre=self.centre.id)
