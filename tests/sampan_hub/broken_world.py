"""A world for the broker in which anything may happen: a database and centres that outlive it, and a broker that dies at any act.

Nothing runs by itself and no time passes unless somebody says so; the scripted centres of `scripted_site` do as they are told.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

from sampan.errors import SampanError
from sampan.need import Need
from sampan.stages import Kind, Target
from sampan_hub.asks import Completed
from sampan_hub.centre import Centre
from sampan_hub.descriptor import Descriptor
from sampan_hub.directory import CentreDirectory
from sampan_hub.doors import Doors
from sampan_hub.jobs import JobState
from sampan_hub.keys import MasterKey
from sampan_hub.reconcile import reconcile
from sampan_hub.records import Attempt, Launch, holder
from sampan_hub.services import Services
from sampan_hub.settings import Settings
from sampan_hub.steps.rivals import move_on
from sampan_hub.store import Store
from sampan_hub.sweep import sweep
from sampan_hub.tables import METADATA
from sampan_hub.watch import Watch
from tests.sampan_hub.scripted_centre import descriptors
from tests.sampan_hub.scripted_site import ScriptedJob, ScriptedScheduler, ScriptedTransport, Site

T = TypeVar("T")
HUB = "test1"
_OURS = re.compile(rf"sampan-{HUB}-(?P<launch>[a-z0-9]+)-(?P<number>[0-9]+)")


class Killed(BaseException):
    """kill -9: nothing of the broker runs any more, no `except` and no `finally` of it saves anything."""


class Fuse:
    """Counts the broker's acts on the world, each write and each command; one of them it does not outlive."""

    def __init__(self) -> None:
        self.left: int | None = None
        """Half acts until the end: a half before an act, a half after it. None: it lives."""

    def half(self) -> None:
        if self.left is not None:
            if self.left <= 0:
                raise Killed
            self.left -= 1


class FusedStore(Store):
    """A database whose writer may die before or after any transaction, never within one: that is the database's promise."""

    fuse = Fuse()

    async def _write(self, work: Any, launch: str = "") -> Any:
        self.fuse.half()
        done = await super()._write(work, launch)
        self.fuse.half()
        return done


class FusedTransport(ScriptedTransport):
    def __init__(self, site: Site, fuse: Fuse) -> None:
        super().__init__(site)
        self._fuse = fuse

    async def run(self, *args: Any, **options: Any) -> Completed:
        self._fuse.half()
        done = await super().run(*args, **options)
        self._fuse.half()
        return done


class Ground:
    """What is made once for many worlds: a loop, a database, a folder, and a clock that goes as fast as it is told."""

    def __init__(self, loop: asyncio.AbstractEventLoop, folder: Path, store: FusedStore) -> None:
        self.loop, self.folder, self.store = loop, folder, store
        self.facts = descriptors(folder)
        (folder / "master").write_bytes(bytes(range(32)))
        (folder / "master").chmod(0o600)
        self.ahead = 0.0
        """Seconds by which the clock is ahead of the real one."""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def emptied(self) -> None:
        async def work(connection: Any) -> None:
            for table in reversed(METADATA.sorted_tables):
                await connection.execute(table.delete())

        self.store.fuse = Fuse()
        self.run(self.store._write(work))


@contextmanager
def ground() -> Iterator[Ground]:
    """In memory: thousands of worlds write to it."""
    folder = Path(tempfile.mkdtemp(prefix="sampan-model-", dir="/dev/shm"))
    real, steady = time.time, time.monotonic
    loop = asyncio.new_event_loop()
    try:
        store = loop.run_until_complete(FusedStore.open(f"sqlite:///{folder / 'broker.sqlite'}"))
        assert isinstance(store, FusedStore)
        made = Ground(loop, folder, store)
        with (
            mock.patch("time.time", side_effect=lambda: real() + made.ahead),
            mock.patch("time.monotonic", side_effect=lambda: steady() + made.ahead),
        ):
            yield made
        loop.run_until_complete(store.close())
        loop.run_until_complete(loop.shutdown_default_executor())
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
        row = self.ground.run(self.ground.store.launch(launch))
        assert row is not None
        self.do(move_on(self.services, row, None), dies_after=dies_after)

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
        attempts = self.ground.run(self.ground.store.attempts(launch))
        for one in attempts:
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

    def rows(self) -> dict[str, tuple[Launch, tuple[Attempt, ...]]]:
        async def read() -> dict[str, tuple[Launch, tuple[Attempt, ...]]]:
            store = self.ground.store
            return {one.id: (one, await store.attempts(one.id)) for one in await store.launches(None)}

        return self.ground.run(read())

    def holder(self, launch: str) -> Attempt | None:
        """The attempt of the launch that may be given the identity."""
        attempts = self.ground.run(self.ground.store.attempts(launch))
        return holder(attempts)

    def live_jobs(self) -> dict[str, list[tuple[str, ScriptedJob]]]:
        """Launch → its jobs that live, each with its centre."""
        found: dict[str, list[tuple[str, ScriptedJob]]] = {}
        for centre, site in self.sites.items():
            for job in site.live:
                ours = _OURS.fullmatch(job.tag)
                if ours is not None and job.account == site.account:
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
