"""The scheduler of a scripted centre, and the way to it: verbs are answered from what a test says of the site.

Everything that is no verb of this scheduler (folders, reports, logs) is run on this machine as it is.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import asyncssh

from sampan.errors import Refused, SampanError, Unavailable
from sampan.messages import Message
from sampan_hub.asks import MOST, Ask, Completed
from sampan_hub.capacity import NodeReading, Reading
from sampan_hub.jobs import FoundJob, Jobs, JobSpec, JobState, JobStatus, Usage
from sampan_hub.limits import Limit
from sampan_hub.rules import NO_RULES, Rules
from sampan_hub.transports.local import LocalTransport

PROGRAM = "scripted"
ACCOUNT = "hpc7"
"""Whose jobs all are at these centres; no account of this machine."""


@dataclass
class ScriptedJob:
    id: str
    tag: str
    account: str
    state: JobState = JobState.RUNNING
    nodes: tuple[str, ...] = ("n1",)
    ahead: int | None = 0
    why: Message | None = None
    never: bool = False
    submitted_at: float | None = None
    started_at: float | None = None
    expected_start: float | None = None
    script: str = ""


@dataclass
class Site:
    """What a test says of the centre, and what it was asked."""

    account: str = ACCOUNT
    first_state: JobState = JobState.RUNNING
    first_why: Message | None = None
    """Why a new job is as it is."""
    jobs: dict[str, ScriptedJob] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    """Jobs that the scheduler no longer tells of."""
    records: dict[str, ScriptedJob] = field(default_factory=dict)
    """Jobs that the records know, whatever the scheduler tells."""
    vague: bool = False
    """Whether the scheduler leaves it to the records how a job ended."""
    private: set[str] = field(default_factory=set)
    """Verbs that tell each account of its own jobs alone, as `PrivateData=jobs` does."""
    tells_waiting: bool = False
    """Whether what waits is told with the jobs, and not with the capacity."""
    limits: dict[str, tuple[Limit, ...]] = field(default_factory=dict)
    rules: Rules = NO_RULES
    expected_start: float | None = None
    submitted: list[JobSpec] = field(default_factory=list)
    arrays: bool = False
    would_be: list[JobSpec] = field(default_factory=list)
    """Jobs of which somebody wanted to know when they would start."""
    cores: int = 4
    cores_free: int = 4
    trouble: dict[str, SampanError] = field(default_factory=dict)
    """Verb, or `verb for account` → what is raised instead of running it; `*` for every command."""
    lost_replies: dict[str, SampanError] = field(default_factory=dict)
    """Verb → what is raised after it was run, once."""
    hangs: set[str] = field(default_factory=set)
    """Verbs that never answer."""
    kills: bool = True
    """Whether a cancel ends a job at once."""
    asked: list[str] = field(default_factory=list)
    askers: list[tuple[str, str]] = field(default_factory=list)
    """Verbs that were asked as somebody, and as whom."""
    cancelled: list[str] = field(default_factory=list)

    @property
    def live(self) -> list[ScriptedJob]:
        return [job for job in self.jobs.values() if job.state is not JobState.ENDED]


class ScriptedTransport:
    """Answers the scripted scheduler's commands; runs every other one here, as whoever runs the tests."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._local = LocalTransport({"en": "here", "zh": "本机"})
        self._asker: str | None = None

    async def run(
        self,
        argv: Sequence[str],
        stdin: bytes = b"",
        *,
        account: str | None = None,
        deadline: float = 10.0,
        most: int = MOST,
    ) -> Completed:
        verb = argv[1] if argv[0] == PROGRAM else argv[0]
        self.site.asked.append(verb)
        if argv[0] == PROGRAM and account is not None:
            self.site.askers.append((verb, account))
        for name in (verb, f"{verb} for {account}", "*"):
            if name in self.site.hangs:
                await self._never(deadline)
            if name in self.site.trouble:
                raise self.site.trouble[name]
        if argv[0] != PROGRAM:
            return await self._local.run(argv, stdin, deadline=deadline)
        self._asker = account
        told = (stdin.decode(),) if verb == "submit" else ()
        answer = json.dumps(getattr(self, f"_{verb}")(*argv[2:], *told))
        if verb in self.site.lost_replies:
            raise self.site.lost_replies.pop(verb)
        return Completed(0, answer, "")

    async def _never(self, deadline: float) -> None:
        try:
            async with asyncio.timeout(deadline):
                await asyncio.Event().wait()
        except TimeoutError as error:
            raise Unavailable("centre.timeout", centre="here", seconds=round(deadline, 1)) from error

    async def reach(
        self, host: str, port: int, options: asyncssh.SSHClientConnectionOptions, *, deadline: float = 10.0
    ) -> asyncssh.SSHClientConnection:
        return await self._local.reach(host, port, options, deadline=deadline)

    async def close(self) -> None:
        """Nothing is kept open."""

    def _submit(self, tag: str, script: str) -> str:
        number = str(len(self.site.jobs) + 1)
        self.site.jobs[number] = ScriptedJob(
            number,
            tag,
            self.site.account,
            self.site.first_state,
            why=self.site.first_why,
            submitted_at=time.time(),
            script=script,
        )
        return number

    def _script(self, job: str) -> str | None:
        """Only their own is shown to anybody."""
        found = self.site.jobs.get(job)
        if found is not None and found.account != self._asker:
            raise Refused("scheduler.refused", why="Access/permission denied")
        return None if found is None else found.script

    def _find(self, *tags: str) -> list[list[Any]]:
        found = (job for job in self.site.live if not tags or job.tag in tags)
        return [_told(job) for job in found if self._may_see("find", job)]

    def _may_see(self, verb: str, job: ScriptedJob) -> bool:
        return verb not in self.site.private or job.account == self._asker

    def _status(self, *ids: str) -> dict[str, Any]:
        known = (self.site.jobs[number] for number in ids if number in self.site.jobs)
        told = [job.id for job in known if job.id not in self.site.forgotten and self._may_see("status", job)]
        waiting = [job for job in self.site.live if job.state is JobState.QUEUED]
        return {"ids": told, "waiting": sum(self._asker in (None, job.account) for job in waiting)}

    def _recall(self, *tags: str) -> list[list[Any]]:
        """The records; jobs that the scheduler shows are not written down yet."""
        found = (job for job in self.site.records.values() if job.tag in tags)
        return [_told(job) for job in found if self._may_see("recall", job)]

    def _ended(self, *ids: str) -> list[str]:
        known = (self.site.records[number] for number in ids if number in self.site.records)
        return [job.id for job in known if self._may_see("ended", job)]

    def _cancel(self, job: str, tag: str) -> None:
        self.site.cancelled.append(job)
        if self.site.kills and job in self.site.jobs:
            self.site.jobs[job].state = JobState.ENDED
            self.site.jobs[job].why = Message("ended.cancelled")

    def _capacity(self) -> None: ...

    def _limits(self) -> None: ...

    def _rules(self) -> None: ...

    def _expected_start(self) -> None: ...


def _told(job: ScriptedJob) -> list[Any]:
    return [job.id, job.tag, job.account, job.submitted_at, job.state is not JobState.QUEUED]


class ScriptedScheduler:
    """Arguments for the transport above; what comes back is read with the site at hand."""

    settles = 0.0

    def __init__(self, site: Site) -> None:
        self.site = site
        self.arrays = site.arrays

    def submit(self, job: JobSpec) -> Ask[str]:
        self.site.submitted.append(job)
        argv = (PROGRAM, "submit", job.tag)
        return Ask("submit", argv, lambda done: str(json.loads(done.stdout)), job.script.encode())

    def find(self, tags: Collection[str]) -> Ask[Sequence[FoundJob]]:
        return Ask(
            "find",
            (PROGRAM, "find", *tags),
            lambda done: [FoundJob(*told) for told in json.loads(done.stdout)],
        )

    def recall(self, tags: Collection[str]) -> Ask[Sequence[FoundJob]]:
        return replace(self.find(tags), verb="recall", argv=(PROGRAM, "recall", *tags))

    def status(self, ids: Collection[str]) -> Ask[Jobs]:
        return Ask("status", (PROGRAM, "status", *ids), self._jobs)

    def _jobs(self, done: Completed) -> Jobs:
        answer = json.loads(done.stdout)
        told = {number: self._status(self.site.jobs[number]) for number in answer["ids"]}
        if self.site.vague:
            told = {job: replace(one, whole=one.state is not JobState.ENDED) for job, one in told.items()}
        return Jobs(told, {"main": answer["waiting"]} if self.site.tells_waiting else None)

    def ended(self, ids: Collection[str]) -> Ask[Mapping[str, JobStatus]]:
        return Ask(
            "ended",
            (PROGRAM, "ended", *ids),
            lambda done: {
                number: self._status(self.site.records[number]) for number in json.loads(done.stdout)
            },
        )

    def _status(self, job: ScriptedJob) -> JobStatus:
        nodes = job.nodes if job.state is JobState.RUNNING else ()
        times = job.submitted_at, job.started_at
        status = JobStatus(job.id, job.state, job.state, nodes, *times, expected_start=job.expected_start)
        return replace(status, ahead=job.ahead, why=job.why, never=job.never)

    def cancel(self, job: str, tag: str) -> Ask[None]:
        return Ask("cancel", (PROGRAM, "cancel", job, tag), lambda _: None)

    def script(self, job: str, tag: str) -> Ask[str | None]:
        return Ask("script", (PROGRAM, "script", job), lambda done: json.loads(done.stdout))

    def capacity(self) -> Ask[Reading]:
        node = NodeReading("n1", self.site.cores, self.site.cores_free, 65536, 65536, ("main",))
        waiting = sum(job.state is JobState.QUEUED for job in self.site.live)
        pending = {} if self.site.tells_waiting else {"main": waiting}
        return Ask("capacity", (PROGRAM, "capacity"), lambda _: Reading((node,), pending))

    def rules(self) -> Ask[Rules]:
        return Ask("rules", (PROGRAM, "rules"), lambda _: self.site.rules)

    def limits(self, account: str, rules: Rules) -> Ask[tuple[Limit, ...]]:
        return Ask("limits", (PROGRAM, "limits"), lambda _: self.site.limits.get(account, ()))

    def expected_start(self, job: JobSpec) -> Ask[float | None]:
        self.site.would_be.append(job)
        return Ask("expected_start", (PROGRAM, "expected_start"), lambda _: self.site.expected_start)

    def usage(self, ids: Collection[str]) -> Ask[Mapping[str, Usage]]:
        raise Refused("scheduler.refused", why="not asked for here")
