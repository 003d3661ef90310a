"""What is known of our jobs at one centre, and of what waits there. One question a tick, for everybody."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from functools import partial
from typing import Final

from sampan.errors import SampanError, Unreachable
from sampan.stages import Seen
from sampan_hub.hearing import Hearing
from sampan_hub.jobs import JobState, JobStatus

__all__ = ["JobWatch"]

_FORGOTTEN: Final = 3
"""Answers in a row without a job, by the scheduler and by its records, before they are taken at their word."""
_SELDOM: Final = 60
"""Answers after which a person is asked again about a job that the records alone know."""
LATE = 3.0
"""Seconds for which the records are asked for the whole story of an end that the scheduler has told; they are a little late."""
PEOPLE = 16
"""Questions a tick, where each person asks for their own; and persons asked about what nobody else sees."""
_PATIENCE: Final = 2.0
"""Seconds that a look waits for the records."""
_SAME: Final = 5.0
"""Seconds between two tellings of when a job was submitted."""
ELSEWHERE: Final = "not told of"
"""The raw state of a job of which the scheduler does not tell while nobody can say that it is over."""


class JobWatch:
    """The jobs that somebody follows. `idle`: seconds between questions of a person all of whose jobs are ready.

    `statuses` holds the last answer for each followed job; `absent` counts answers in a row that knew nothing of it.
    """

    def __init__(self, hearing: Hearing, idle: float) -> None:
        self._hearing = hearing
        self._centre = hearing.centre
        self._idle = idle
        self.statuses: dict[str, JobStatus] = {}
        self.absent: dict[str, int] = {}
        self._followed: dict[str, tuple[str, bool]] = {}
        """Job → its account, and whether it is on its way to ready."""
        self._asked: dict[str | None, float] = {}
        """Asker → when it asked last, by a clock that nobody sets."""
        self._waiting: dict[str | None, tuple[Mapping[str, int] | None, float]] = {}
        """Asker → what waited in each queue by the last answer, and when it was asked."""
        self._late: dict[str, float] = {}
        """Job → since when the records are waited for, by a clock that nobody sets."""
        self._recalling: dict[str | None, asyncio.Task[None]] = {}
        """Asker → its question to the records that is under way."""
        self._odd: dict[str, int] = {}
        """Job → answers of the records that it is not over, while the scheduler does not tell of it."""
        self._lost: set[str] = set()
        """Absent jobs of which their own person does not know, either."""

    # --- who is followed

    def follow(self, job: str, account: str, *, busy: bool) -> bool:
        """Asks about this job from now on; whether that is worth asking at once."""
        news = self._followed.get(job)
        self._followed[job] = (account, busy)
        return news is None or (busy and not news[1])

    def forget(self, job: str) -> None:
        account, _ = self._followed.pop(job, ("", False))
        for table in (self.statuses, self.absent, self._late, self._odd):
            table.pop(job, None)
        self._lost.discard(job)
        asker = self._centre.asker(account)
        if asker is not None and not self._of(asker):
            self._hearing.forget(_status(asker))
            self._waiting.pop(asker, None)

    @property
    def busy(self) -> bool:
        """Whether anything of ours is on its way to ready, or missing."""
        return bool(self.absent or self._late) or any(busy for _, busy in self._followed.values())

    def _of(self, asker: str | None) -> list[str]:
        return sorted(
            job for job, (account, _) in self._followed.items() if self._centre.asker(account) == asker
        )

    # --- what is known

    def seen(self, account: str) -> Seen | None:
        """What the last look said of the jobs of this account; None before there was one."""
        trouble = self.trouble(account)
        if trouble is not None:
            return Seen.UNREACHABLE if isinstance(trouble, Unreachable) else Seen.UNKNOWN
        return Seen.ALIVE if _status(self._centre.asker(account)) in self._hearing.heard else None

    def sights(self) -> Mapping[str, Seen | None]:
        """What the last look said, by account."""
        return {
            account: self.seen(account) for account in {account for account, _ in self._followed.values()}
        }

    def trouble(self, account: str) -> SampanError | None:
        """Why nobody can say just now how this account's jobs are."""
        return self._hearing.trouble(_status(self._centre.asker(account)))

    def over(self, job: str) -> bool:
        """Whether it is said to be over, also while it is still asked how it ended."""
        status = self.statuses.get(job)
        return job in self._late or self.gone(job) or (status is not None and status.state is JobState.ENDED)

    def gone(self, job: str) -> bool:
        """Whether everybody who should know this job was asked, several times, answered, and does not."""
        return job in self._lost

    @property
    def waiting(self) -> Mapping[str, int] | None:
        """How many jobs wait in each queue, as far as those see who were asked; None where the capacity tells it."""
        told = [pending for pending, _ in self._waiting.values() if pending is not None]
        if not told and None in self._waiting:
            return None
        return sum((Counter(pending) for pending in told), Counter())

    @property
    def waiting_since(self) -> float:
        """When the oldest of the answers behind `waiting` was asked for; what was submitted later is not in it."""
        busy = {self._centre.asker(account) for account, busy in self._followed.values() if busy}
        return min(
            (at for asker, (_, at) in self._waiting.items() if asker in busy | {None}), default=time.time()
        )

    @property
    def waiting_trouble(self) -> bool:
        """Whether what waits is not known because the one question about it has no answer."""
        return self.waiting is not None and _status(None) in self._hearing.failures

    # --- asking

    async def look(self, deadline: float = 10.0) -> None:
        """Asks how every followed job is: one command, or one for each person where nobody sees everybody's."""
        await asyncio.gather(*(self._look(asker, deadline) for asker in self._due()))
        missing = self._missing()
        if missing:
            asking = (
                self._start(one, partial(self._ask_owner, one, jobs, deadline)) for one, jobs in missing
            )
            await asyncio.wait(set(asking), timeout=_PATIENCE)

    def _missing(self) -> list[tuple[str, list[str]]]:
        """Accounts with jobs of which nobody has told for a while, and which they were not asked about themselves."""
        missing: dict[str, list[str]] = {}
        times = {**(self._odd if self._centre.asker("") is None else {}), **self.absent}
        for job in self._still(times):
            if times[job] >= _FORGOTTEN and job not in self._lost:
                missing.setdefault(self._followed[job][0], []).append(job)
        return list(missing.items())[:PEOPLE]

    def _start(self, asker: str | None, ask: Callable[[], Coroutine[None, None, None]]) -> asyncio.Task[None]:
        """The asker's question to the records that is under way, or this one: it may take longer than a look."""
        if asker not in self._recalling:
            self._recalling[asker] = asyncio.create_task(ask(), name=f"records of {self._centre.id}")
            self._recalling[asker].add_done_callback(lambda _: self._recalling.pop(asker, None))
        return self._recalling[asker]

    def _due(self) -> list[str | None]:
        everybody = self._centre.asker("") is None
        # What was told while others asked is in what these are told.
        self._waiting = {one: told for one, told in self._waiting.items() if (one is None) == everybody}
        if everybody:
            # Who tells what waits with the capacity is not asked about nobody; once, to find that out.
            told_apart = self._waiting.get(None, ({}, 0.0))[0] is not None
            return [None] if self._followed or told_apart else []
        now = time.monotonic()
        busy = {account for account, busy in self._followed.values() if busy}
        busy |= {self._followed[job][0] for job in (*self.absent, *self._late) if job in self._followed}
        due = [
            (asked, account)
            for account in {account for account, _ in self._followed.values()}
            if now - (asked := self._asked.get(account, -math.inf)) >= (0 if account in busy else self._idle)
        ]
        # Whoever was asked for longest ago comes first: in a crowd everybody has a turn, and the scheduler some rest.
        return [account for _, account in sorted(due)[:PEOPLE]]

    async def _look(self, asker: str | None, deadline: float) -> None:
        ids, began = self._of(asker), time.time()
        self._asked[asker] = time.monotonic()
        try:
            ask = self._centre.scheduler.status(ids)
            jobs = await self._hearing.ask(_status(asker), ask, deadline, account=asker)
        except SampanError:
            return
        self._waiting[asker] = (jobs.pending, began)
        unclear = [job for job in self._still(ids) if self._unclear(job, jobs.statuses.get(job))]
        if not unclear:
            return
        task = self._start(asker, partial(self._recall, asker, unclear, deadline))
        # Records that give no answer keep nobody from asking the scheduler again.
        await asyncio.wait({task}, timeout=_PATIENCE)

    def _unclear(self, job: str, status: JobStatus | None) -> bool:
        """Takes what the scheduler tells of a job; whether the records should be asked about it."""
        if job in self.statuses and self.statuses[job].state is JobState.ENDED:
            return False
        if status is None:
            return True
        # How it ended may be written down wholly in a moment.
        now = time.monotonic()
        if not status.whole and now - self._late.setdefault(job, now) < LATE:
            return True
        self._tell(status)
        return False

    async def _recall(self, asker: str | None, ids: Collection[str], deadline: float) -> None:
        """Asks the records about jobs that the scheduler does not tell of, or not wholly."""
        known: Mapping[str, JobStatus] | None
        try:
            ask = self._centre.scheduler.ended(ids)
            known = await self._hearing.ask(_ended(asker), ask, deadline, account=asker)
        except SampanError:
            known = None
        for job in self._still(ids):
            record = self._record(job, known)
            if record is not None and record.state is JobState.ENDED:
                if record.whole or job not in self._late:
                    self._tell(record)
            elif job in self._late:
                continue
            elif known is None or record is not None:
                self._wonder(job)
                self._odd[job] = self._odd.get(job, 0) + (record is not None)
            else:
                self.absent[job] = self.absent.get(job, 0) + 1

    async def _ask_owner(self, account: str, ids: Collection[str], deadline: float) -> None:
        """A person always sees their own jobs: asks as them before one of theirs is given up for lost.

        Where they see it, it is the service account that sees nothing: then nobody's absence has meant anything.
        """
        scheduler, watched = self._centre.scheduler, self._centre.asker("") is None
        try:
            jobs = await self._hearing.ask(_status(account), scheduler.status(ids), deadline, account=account)
            known = await self._hearing.ask(_ended(account), scheduler.ended(ids), deadline, account=account)
        except SampanError:
            if watched:
                self._hearing.forget(_status(account))
            for job in self._still(ids):
                self._wonder(job)
                self._odd.pop(job, None)
            return
        absent = [job for job in self._still(ids) if job in self.absent]
        told = {job for job in absent if self._record(job, known) is not None} | jobs.statuses.keys()
        self._lost.update(job for job in absent if job not in told)
        # That the records alone tell of a job is no news, and looked into again after a while.
        self._odd.update((job, -_SELDOM) for job in self._still(ids) if job in self._odd)
        if told:
            self.absent.clear()
            if watched:
                self._centre.blind()

    def _wonder(self, job: str) -> None:
        """Nobody can say how this job is."""
        seen = self.statuses.get(job)
        submitted = None if seen is None else seen.submitted_at
        self.statuses[job] = JobStatus(job, JobState.UNKNOWN, ELSEWHERE, submitted_at=submitted)
        self.absent.pop(job, None)

    def _record(self, job: str, known: Mapping[str, JobStatus] | None) -> JobStatus | None:
        """What the records say of this job; not of another that had its number before, submitted at another time."""
        record, seen = (table.get(job) if table is not None else None for table in (known, self.statuses))
        times = [
            one.submitted_at for one in (record, seen) if one is not None and one.submitted_at is not None
        ]
        same = len(times) < 2 or abs(times[0] - times[1]) <= _SAME
        return record if same else None

    def _tell(self, status: JobStatus) -> None:
        self.statuses[status.id] = status
        self.absent.pop(status.id, None)
        self._lost.discard(status.id)
        for table in (self._late, self._odd):
            table.pop(status.id, None)

    def _still(self, ids: Iterable[str]) -> list[str]:
        """Those that are followed yet: an answer takes its time."""
        return [job for job in ids if job in self._followed]


def _status(asker: str | None) -> str:
    return "status" if asker is None else f"status for {asker}"


def _ended(asker: str | None) -> str:
    return "ended" if asker is None else f"ended for {asker}"
