"""A centre that does what a test says: a transport and a scheduler of their own, for what no real one does on demand.

Scheduler verbs are answered from a table of jobs; everything else (folders, reports, logs) is run on this machine as it is.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import asyncssh

from sampan.errors import Refused, SampanError, Unavailable
from sampan.messages import Message
from sampan.need import Need
from sampan.stages import Kind
from sampan_hub.asks import Ask, Completed
from sampan_hub.capacity import NodeReading, Reading
from sampan_hub.centre import Centre
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import read_descriptor
from sampan_hub.directory import CentreDirectory
from sampan_hub.doors import Doors
from sampan_hub.embedded import write_embedded
from sampan_hub.jobs import FoundJob, JobSpec, JobState, JobStatus, Usage
from sampan_hub.keys import MasterKey
from sampan_hub.reconcile import reconcile
from sampan_hub.records import Attempt, Launch
from sampan_hub.services import Services
from sampan_hub.settings import Settings
from sampan_hub.store import Store
from sampan_hub.transports.local import LocalTransport
from sampan_hub.watch import Watch

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
    ahead: int = 0
    why: Message | None = None


@dataclass
class Site:
    """What a test says of the centre, and what it was asked."""

    account: str = ACCOUNT
    first_state: JobState = JobState.RUNNING
    jobs: dict[str, ScriptedJob] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    """Jobs that the scheduler no longer tells of."""
    cores: int = 4
    cores_free: int = 4
    trouble: dict[str, SampanError] = field(default_factory=dict)
    """Verb → what is raised instead of running it; `*` for every command."""
    lost_replies: dict[str, SampanError] = field(default_factory=dict)
    """Verb → what is raised after it was run, once."""
    hangs: set[str] = field(default_factory=set)
    """Verbs that never answer."""
    kills: bool = True
    """Whether a cancel ends a job at once."""
    asked: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    @property
    def live(self) -> list[ScriptedJob]:
        return [job for job in self.jobs.values() if job.state is not JobState.ENDED]


class ScriptedTransport:
    """Answers the scripted scheduler's commands; runs every other one here, as whoever runs the tests."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._local = LocalTransport({"en": "here", "zh": "本机"})

    async def run(
        self, argv: Sequence[str], stdin: bytes = b"", *, account: str | None = None, deadline: float = 10.0
    ) -> Completed:
        verb = argv[1] if argv[0] == PROGRAM else argv[0]
        self.site.asked.append(verb)
        for name in (verb, "*"):
            if name in self.site.hangs:
                await self._never(deadline)
            if name in self.site.trouble:
                raise self.site.trouble[name]
        if argv[0] != PROGRAM:
            return await self._local.run(argv, stdin, deadline=deadline)
        answer = json.dumps(getattr(self, f"_{verb}")(*argv[2:]))
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

    def _submit(self, tag: str) -> str:
        number = str(len(self.site.jobs) + 1)
        self.site.jobs[number] = ScriptedJob(number, tag, self.site.account, self.site.first_state)
        return number

    def _find(self, *tags: str) -> list[list[str]]:
        return [[job.id, job.tag, job.account] for job in self.site.live if not tags or job.tag in tags]

    def _status(self, *ids: str) -> list[str]:
        return [number for number in ids if number in self.site.jobs and number not in self.site.forgotten]

    def _cancel(self, job: str, tag: str) -> None:
        self.site.cancelled.append(job)
        if self.site.kills and job in self.site.jobs:
            self.site.jobs[job].state = JobState.ENDED
            self.site.jobs[job].why = Message("ended.cancelled")

    def _capacity(self) -> None: ...


class ScriptedScheduler:
    """Arguments for the transport above; what comes back is read with the site at hand."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def submit(self, job: JobSpec) -> Ask[str]:
        return Ask("submit", (PROGRAM, "submit", job.tag), lambda done: str(json.loads(done.stdout)))

    def find(self, tags: Collection[str]) -> Ask[Sequence[FoundJob]]:
        return Ask(
            "find",
            (PROGRAM, "find", *tags),
            lambda done: [FoundJob(id_, tag, account) for id_, tag, account in json.loads(done.stdout)],
        )

    def status(self, ids: Collection[str]) -> Ask[Mapping[str, JobStatus]]:
        return Ask(
            "status",
            (PROGRAM, "status", *ids),
            lambda done: {number: self._status(self.site.jobs[number]) for number in json.loads(done.stdout)},
        )

    def _status(self, job: ScriptedJob) -> JobStatus:
        nodes = job.nodes if job.state is JobState.RUNNING else ()
        return JobStatus(job.id, job.state, job.state, nodes, ahead=job.ahead, why=job.why)

    def cancel(self, job: str, tag: str) -> Ask[None]:
        return Ask("cancel", (PROGRAM, "cancel", job, tag), lambda _: None)

    def capacity(self) -> Ask[Reading]:
        node = NodeReading("n1", self.site.cores, self.site.cores_free, 65536, 65536, ("main",))
        waiting = sum(job.state is JobState.QUEUED for job in self.site.live)
        return Ask("capacity", (PROGRAM, "capacity"), lambda _: Reading((node,), {"main": waiting}))

    def usage(self, ids: Collection[str]) -> Ask[Mapping[str, Usage]]:
        raise Refused("scheduler.refused", why="not asked for here")


class Bench:
    """Services over scripted centres: steps are taken one at a time, ticks are asked for by hand."""

    def __init__(self, services: Services, sites: dict[str, Site]) -> None:
        self.services = services
        self.sites = sites
        self.store = services.store
        self.woken: list[str] = []

    def describe(self, name: str, **limits: int) -> None:
        """The centre with other limits, described in passing."""
        centre = self.services.directory.centres[name]
        facts = centre.descriptor
        facts = facts.model_copy(update={"limits": facts.limits.model_copy(update=limits)})
        self.put(name, facts)

    def put(self, name: str, facts: Descriptor) -> None:
        """A centre of that descriptor over the site of that name."""
        site = self.sites.setdefault(name, Site())
        centre = Centre(facts, ScriptedTransport(site), ScriptedScheduler(site))
        self.services.directory.centres[name] = centre
        self.services.watches[name] = Watch(centre, lambda _: None)

    def remove(self, name: str) -> Descriptor:
        self.services.watches.pop(name)
        return self.services.directory.centres.pop(name).descriptor

    async def launch(self, owner: str = "alice", name: str = "", **fields: Any) -> Launch:
        need = fields.pop("need", Need(cores=1))
        launch, _ = await self.store.create_launch(owner, Kind.SERVER, name, need, {}, "/user/a/", **fields)
        return launch

    async def step(self, launch: Launch) -> float | None:
        return await reconcile(self.services, launch.id)

    async def tick(self) -> None:
        for watch in self.services.watches.values():
            await watch.measure()
            await watch.look()

    async def row(self, launch: Launch) -> Launch:
        found = await self.store.launch(launch.id)
        assert found is not None
        return found

    async def last(self, launch: Launch) -> Attempt:
        return (await self.store.attempts(launch.id))[-1]

    async def codes(self, launch: Launch) -> list[str]:
        return [step.message.code for step in await self.store.transitions(launch.id)]

    async def at(self, launch: Launch, stage: str, number: int = 1, most: int = 30) -> Attempt:
        """Steps and ticks until the launch's last attempt, at least the one of that number, is in that stage."""
        for _ in range(most):
            attempts = await self.store.attempts(launch.id)
            if attempts and attempts[-1].stage == stage and attempts[-1].number >= number:
                return attempts[-1]
            await self.step(launch)
            await self.tick()
        raise AssertionError(f"not {stage}: {await self.codes(launch)}")

    async def over(self, launch: Launch, most: int = 60) -> Launch:
        """Steps and ticks until the launch has ended."""
        for _ in range(most):
            if (row := await self.row(launch)).ended_at is not None:
                return row
            await self.step(launch)
            await self.tick()
        raise AssertionError(f"not over: {await self.codes(launch)}")

    async def put_ready(self, launch: Launch) -> Attempt:
        """Ready by decree, for what happens to a ready launch: no launcher runs behind it."""
        attempt = await self.at(launch, "running")
        now = self.services.now()
        await self.store.update_attempt(launch.id, attempt.number, stage="ready", stage_at=now, ready_at=now)
        await self.store.update_launch(launch.id, stage="ready")
        return replace(attempt)


def descriptors(folder: Path) -> dict[str, Descriptor]:
    """The embedded centres' descriptors, with homes below `folder`."""
    write_embedded(folder / "centres", folder / "places", "/usr/bin/python3", None)
    found = [read_descriptor(path) for path in sorted((folder / "centres").glob("*.yaml"))]
    return {facts.id: _of_all(facts) for facts in found if isinstance(facts, Descriptor)}


def _of_all(facts: Descriptor) -> Descriptor:
    accounts = facts.accounts.model_copy(update={"account": ACCOUNT})
    return facts.model_copy(update={"accounts": accounts})


@asynccontextmanager
async def bench(folder: Path, *centres: str) -> AsyncIterator[Bench]:
    """A bench with these centres of the embedded ones, each with a site of its own."""
    (folder / "master").write_bytes(bytes(range(32)))
    (folder / "master").chmod(0o600)
    facts = descriptors(folder)
    store = await Store.open(f"sqlite:///{folder / 'broker.sqlite'}")
    doors = Doors((23000, 23999), accounts=frozenset({0}), kept={})
    woken: list[str] = []
    services = Services(
        Settings(folder, hub_id="test1"),
        store,
        CentreDirectory(folder / "nowhere"),
        doors,
        MasterKey.load(folder / "master"),
        wake=woken.append,
    )
    made = Bench(services, {})
    made.woken = woken
    for name in centres or ("east",):
        made.put(name, facts[name])
    try:
        await made.tick()
        yield made
    finally:
        for link in list(services.links.values()):
            await link.close()
        await doors.close()
        await store.close()
