"""Watching one centre: its capacity, and the state of our jobs there. One question of each kind a tick, for everybody."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Literal, TypeVar

from sampan.errors import SampanError, Unavailable, Unreachable
from sampan.messages import text
from sampan.stages import Seen
from sampan_hub.asks import Ask
from sampan_hub.capacity import Capacity
from sampan_hub.centre import Centre
from sampan_hub.jobs import JobStatus
from sampan_hub.survey import Survey

__all__ = ["BELIEVED", "BUSY_TICK", "IDLE_TICK", "Watch"]

log = logging.getLogger(__name__)

T = TypeVar("T")
Question = Literal["capacity", "status"]

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
    missing. The two questions fail and heal each for itself: free nodes may be told while nobody can say how jobs are.
    """

    def __init__(self, centre: Centre, told: Callable[[bool], None]) -> None:
        """`told` is called after each tick, with whether anything is different from before."""
        self.centre = centre
        self.capacity: Capacity | None = None
        self.survey: Survey | None = None
        """What `capacity` comes to for a decision."""
        self.statuses: dict[str, JobStatus] = {}
        self.absent: dict[str, int] = {}
        self._heard: dict[Question, float] = {}
        """When each question was last answered."""
        self._failures: dict[Question, tuple[SampanError, float]] = {}
        """The last failure of each question that has had no answer since, and when the first of them was."""
        self._believed_until = 0.0
        self._asked_capacity = 0.0
        self._told = told
        self._followed: dict[str, bool] = {}
        self._hurry = asyncio.Event()
        self._measuring: asyncio.Task[None] | None = None

    @property
    def heard_at(self) -> float | None:
        """When the centre last answered anything."""
        return max(self._heard.values(), default=None)

    @property
    def trouble(self) -> SampanError | None:
        """The failure that is longest without an answer since; None while all is well."""
        return min(self._failures.values(), key=lambda failure: failure[1])[0] if self._failures else None

    @property
    def trouble_since(self) -> float | None:
        return min((at for _, at in self._failures.values()), default=None)

    @property
    def seen(self) -> Seen:
        """What the last looks said of the centre as a whole."""
        if any(isinstance(error, Unreachable) for error, _ in self._failures.values()):
            return Seen.UNREACHABLE
        return Seen.UNKNOWN if self._failures or not self._heard else Seen.ALIVE

    @property
    def sees_jobs(self) -> Seen | None:
        """What the last look said of jobs there; None before there was one."""
        if self.jobs_trouble is not None:
            return Seen.UNREACHABLE if isinstance(self.jobs_trouble, Unreachable) else Seen.UNKNOWN
        return Seen.ALIVE if "status" in self._heard else None

    @property
    def jobs_trouble(self) -> SampanError | None:
        """Why nobody can say just now how jobs are there."""
        return self._failures["status"][0] if "status" in self._failures else None

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
        """The capacity while it may be believed; None when it is out of date or was asked for in vain since."""
        # By a clock that nobody sets: a jump of the wall clock makes nothing believable again.
        believed = time.monotonic() <= self._believed_until and "capacity" not in self._failures
        return self.capacity if believed else None

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
            reading = await self._ask("capacity", self.centre.scheduler.capacity(), deadline)
        except SampanError:
            return
        self.capacity = Capacity(self.centre.id, reading, asked_at, asked_at + BELIEVED)
        self.survey = Survey(self.centre.facts, self.capacity)
        self._believed_until = self._asked_capacity + BELIEVED

    async def look(self, deadline: float = 10.0) -> None:
        """Asks for the state of every followed job in one command."""
        ids = sorted(self._followed)
        if not ids:
            self._failures.pop("status", None)
            return
        try:
            answer = await self._ask("status", self.centre.scheduler.status(ids), deadline)
        except SampanError:
            return
        for job in ids:
            if job not in self._followed:
                continue
            if job in answer:
                self.absent.pop(job, None)
                self.statuses[job] = answer[job]
            else:
                self.absent[job] = self.absent.get(job, 0) + 1

    async def _ask(self, question: Question, ask: Ask[T], deadline: float) -> T:
        """Asks, and remembers whether there was an answer; one that breaks its parser is none."""
        try:
            answer = await self.centre.ask(ask, deadline=deadline)
        except SampanError as error:
            self._failed(question, error)
            raise
        except Exception as error:
            log.exception("the answer of %s cannot be read", self.centre.id)
            names = text(self.centre.descriptor.names.model_dump())
            unread = Unavailable("centre.no_answer", cause=repr(error), centre=names)
            self._failed(question, unread)
            raise unread from error
        self._heard[question] = time.time()
        self._failures.pop(question, None)
        return answer

    def _failed(self, question: Question, error: SampanError) -> None:
        first = self._failures.get(question)
        if first is None:
            log.warning("%s gives no answer (%s): %s", self.centre.id, question, error)
        self._failures[question] = (error, first[1] if first else time.time())

    def gone(self, job: str) -> bool:
        """Whether the scheduler, asked several times and answering each time, no longer knows this job."""
        return self.absent.get(job, 0) >= _FORGOTTEN

    async def run(self) -> None:
        """Ticks until cancelled. Nothing that a centre does or says ends it."""
        while True:
            began, before = time.monotonic(), (dict(self.statuses), self.seen, self.sees_jobs)
            try:
                await asyncio.gather(self.measure(), self.look())
            except Exception:
                log.exception("watching %s failed; going on", self.centre.id)
            self._told(bool(self.absent) or before != (self.statuses, self.seen, self.sees_jobs))
            tick = BUSY_TICK if any(self._followed.values()) or self.absent else IDLE_TICK
            await self._pause(max(0.0, tick - (time.monotonic() - began)), at_least=began + BUSY_TICK)

    async def _pause(self, seconds: float, at_least: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        except TimeoutError:
            return
        self._hurry.clear()
        # Somebody is in a hurry; still, a burst of hurries makes one question, not one each.
        await asyncio.sleep(max(0.0, at_least - time.monotonic()))
