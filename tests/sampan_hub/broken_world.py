"""A world for the broker in which anything may happen: a database and centres that outlive it, and a broker that dies at any act.

Nothing runs by itself and no time passes unless somebody says so; the scripted centres of `scripted_site` do as they are told.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import aiosqlite
from sqlalchemy import create_engine, select

from sampan.errors import SampanError
from sampan.need import Need
from sampan.stages import Kind, Target
from sampan_hub.centre import Centre
from sampan_hub.descriptor import Descriptor
from sampan_hub.directory import CentreDirectory
from sampan_hub.doors import Doors
from sampan_hub.jobs import JobState
from sampan_hub.keys import MasterKey
from sampan_hub.reconcile import reconcile
from sampan_hub.records import Attempt, Launch, holder
from sampan_hub.rows import read_attempt, read_launch
from sampan_hub.services import Services
from sampan_hub.settings import Settings
from sampan_hub.steps.rivals import move_on
from sampan_hub.sweep import sweep
from sampan_hub.tables import METADATA, attempts, launches
from sampan_hub.watch import Watch
from tests.sampan_hub.fuse import Fuse, FusedStore, FusedTransport, Killed
from tests.sampan_hub.scripted_centre import descriptors
from tests.sampan_hub.scripted_site import ScriptedJob, ScriptedScheduler, Site

T = TypeVar("T")
Rows = dict[str, tuple[Launch, tuple[Attempt, ...]]]
HUB = "test1"
_OURS = re.compile(rf"sampan-{HUB}-(?P<launch>[a-z0-9]+)-(?P<number>[0-9]+)")


class Ground:
    """What is made once for many worlds: a loop, a database, a folder, and a clock that goes as fast as it is told."""

    def __init__(self, loop: asyncio.AbstractEventLoop, folder: Path, store: FusedStore) -> None:
        self.loop, self.folder, self.store = loop, folder, store
        self.facts = {name: _of_this_python(facts) for name, facts in descriptors(folder).items()}
        self._eye = create_engine(f"sqlite:///{folder / 'broker.sqlite'}")
        """For whoever only looks: the same file, without the broker's ways."""
        self._rows: Rows | None = None
        (folder / "master").write_bytes(bytes(range(32)))
        (folder / "master").chmod(0o600)
        self.ahead = 0.0
        """Seconds by which the clock is ahead of the real one."""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        self._rows = None
        return self.loop.run_until_complete(work)

    def rows(self) -> Rows:
        """Launch → its row and its attempts'. Read once after each thing that the broker does: whatever must hold looks at it."""
        if self._rows is None:
            with self._eye.connect() as connection:
                found = [read_launch(row) for row in connection.execute(select(launches)).mappings()]
                query = select(attempts).order_by(attempts.c.number)
                tries = [read_attempt(row) for row in connection.execute(query).mappings()]
            self._rows = {
                one.id: (one, tuple(try_ for try_ in tries if try_.launch == one.id)) for one in found
            }
        return self._rows

    def close(self) -> None:
        self._eye.dispose()
        self.run(self.store.close())
        self.run(self.loop.shutdown_default_executor())

    def emptied(self) -> None:
        async def work(connection: Any) -> None:
            for table in reversed(METADATA.sorted_tables):
                await connection.execute(table.delete())

        self.store.fuse = Fuse()
        self.run(self.store._write(work))


def _of_this_python(facts: Descriptor) -> Descriptor:
    """The environment that the broker runs in needs no vetting, and that no process."""
    environment = facts.environment.model_copy(update={"python": sys.executable})
    return facts.model_copy(update={"environment": environment})


def _ahead(ground: Ground, clock: Callable[[], float]) -> Callable[[], float]:
    return lambda: clock() + ground.ahead


async def _at_once(_: aiosqlite.Connection, work: Callable[..., T], *args: Any, **options: Any) -> T:
    """SQLite's answer without its thread: to hand each statement over and back was most of a play's time."""
    return work(*args, **options)


@contextmanager
def ground() -> Iterator[Ground]:
    """In memory: thousands of worlds write to it."""
    folder = Path(tempfile.mkdtemp(prefix="sampan-model-", dir="/dev/shm"))
    loop = asyncio.new_event_loop()
    try:
        store = loop.run_until_complete(FusedStore.open(f"sqlite:///{folder / 'broker.sqlite'}"))
        assert isinstance(store, FusedStore)
        made = Ground(loop, folder, store)
        with (
            # Functions: a mock would remember each of a million calls.
            mock.patch("time.time", _ahead(made, time.time)),
            mock.patch("time.monotonic", _ahead(made, time.monotonic)),
            mock.patch.object(aiosqlite.Connection, "_execute", _at_once),
        ):
            yield made
        made.close()
    finally:
        loop.close()
        shutil.rmtree(folder)


class World:
    """Two centres, one database, and the broker of the moment."""

    CENTRES = ("east", "west")

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        ground.emptied()
        self.sites = {name: Site() for name in self.CENTRES}
        self.foreign: set[tuple[str, str]] = set()
        """(centre, job) of what is not ours, whatever it says."""
        self.services = self._broker()
        self.deaths = 0
        self.do(self._first_look())

    def _broker(self) -> Services:
        ground = self.ground
        ground.store.fuse = self.fuse = Fuse()
        services = Services(
            Settings(ground.folder, hub_id=HUB),
            ground.store,
            CentreDirectory(ground.folder / "nowhere"),
            Doors((23000, 23999), accounts=frozenset({0}), kept={}),
            MasterKey.load(ground.folder / "master"),
            wake=lambda _: None,
        )
        for name, site in self.sites.items():
            facts: Descriptor = ground.facts[name]
            centre = Centre(facts, FusedTransport(site, self.fuse), ScriptedScheduler(site))
            services.directory.centres[name] = centre
            services.watches[name] = Watch(centre, lambda _: None)
        return services

    async def _first_look(self) -> None:
        for watch in self.services.watches.values():
            await watch.tick()

    # --- what the broker does

    def do(self, work: Coroutine[Any, Any, T], *, dies_after: int | None = None) -> T | None:
        """Has the broker do that; `dies_after` so many half acts a new one is there, which knows the database alone."""
        self.fuse.left = dies_after
        try:
            return self.ground.run(work)
        except SampanError:
            return None
        except Killed:
            self.deaths += 1
            return None
        finally:
            if dies_after is not None:
                self.die()

    def die(self) -> None:
        self.fuse.left = 0
        self.ground.run(_cancel_all())
        self.services = self._broker()

    def step(self, launch: str, dies_after: int | None = None) -> None:
        self.do(reconcile(self.services, launch), dies_after=dies_after)

    def tick(self, centre: str, dies_after: int | None = None) -> None:
        self.do(self.services.watches[centre].tick(), dies_after=dies_after)

    def sweep(self, centre: str, dies_after: int | None = None) -> None:
        self.do(sweep(self.services, centre), dies_after=dies_after)

    def start(self, owner: str, name: str) -> str | None:
        """As the hub asks: for the one launch of that person and name."""
        made = self.do(
            self.services.store.create_launch(
                owner, Kind.SERVER, name, Need(cores=1), {}, f"/user/{owner}/{name}/"
            )
        )
        return None if made is None else made[0].id

    def move_on(self, launch: str, dies_after: int | None = None) -> None:
        self.do(move_on(self.services, self.rows()[launch][0], None), dies_after=dies_after)

    def stop(self, launch: str) -> None:
        self.do(self.services.store.update_launch(launch, target=Target.STOPPED))

    def made_ready(self, launch: str) -> str | None:
        """Its launcher has answered and been given the identity, by decree; returns its job. None where none runs."""
        attempt = self.holder(launch)
        if (
            attempt is None
            or attempt.stage not in ("running", "reachable")
            or not self._gets_through(attempt)
        ):
            return None
        now = self.services.now()
        fields = {"stage": "ready", "stage_at": now, "ready_at": now}
        self.do(self.services.store.update_attempt(launch, attempt.number, **fields))
        self.do(self.services.store.update_launch(launch, stage="ready", identity_attempt=attempt.number))
        return f"{attempt.centre}/{attempt.job}"

    def rival_reached(self, launch: str) -> None:
        """The launcher of an attempt that is to follow the session has answered, by decree, and the hub told the identity."""
        for one in self.rows()[launch][1]:
            if one.rival and one.ended_at is None and one.stage == "running" and self._gets_through(one):
                fields = {"stage": "reachable", "stage_at": self.services.now()}
                self.do(self.services.store.update_attempt(launch, one.number, **fields))
        self.services.identities[launch] = {}

    def _gets_through(self, attempt: Attempt) -> bool:
        site = self.sites[attempt.centre]
        job = site.jobs.get(attempt.job or "")
        runs = job is not None and job.state is JobState.RUNNING and "*" not in site.trouble
        return runs and attempt.cancel_requested_at is None

    # --- what is

    def rows(self) -> Rows:
        return self.ground.rows()

    def holder(self, launch: str) -> Attempt | None:
        """The attempt of the launch that may be given the identity."""
        return holder(self.rows()[launch][1])

    def live_jobs(self) -> dict[str, list[tuple[str, ScriptedJob]]]:
        """Launch → its jobs that live, each with its centre."""
        found: dict[str, list[tuple[str, ScriptedJob]]] = {}
        for centre, site in self.sites.items():
            for job in site.live:
                ours = _OURS.fullmatch(job.tag)
                if ours is not None and (centre, job.id) not in self.foreign:
                    found.setdefault(ours["launch"], []).append((centre, job))
        return found

    def close(self) -> None:
        self.ground.run(_cancel_all())
        self.ground.run(self.services.doors.close())


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
