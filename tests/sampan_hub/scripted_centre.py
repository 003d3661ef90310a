"""A centre that does what a test says: a transport and a scheduler of their own, for what no real one does on demand.

How a site answers is in `scripted_site`; here are the broker's parts around it, moved by hand.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sampan.messages import Message
from sampan.need import Need
from sampan.stages import Kind
from sampan_hub.bulkhead import Bulkhead
from sampan_hub.centre import Centre
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import read_descriptor
from sampan_hub.directory import CentreDirectory
from sampan_hub.doors import Doors
from sampan_hub.embedded import write_embedded
from sampan_hub.in_flight import InFlight
from sampan_hub.keys import MasterKey
from sampan_hub.reconcile import reconcile
from sampan_hub.records import Attempt, Launch
from sampan_hub.services import Services
from sampan_hub.settings import Settings
from sampan_hub.store import Store
from sampan_hub.strays import Strays
from sampan_hub.waits import History
from sampan_hub.watch import Watch
from tests.sampan_hub.scripted_site import ACCOUNT, ScriptedJob, ScriptedScheduler, ScriptedTransport, Site

__all__ = ["ACCOUNT", "Bench", "ScriptedJob", "Site", "bench", "descriptors"]


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
        # Time is what a test makes of it: a centre that is set aside may be asked again at once.
        centre.bulkhead = Bulkhead(Message(name), facts.limits, waits=(0.0, 0.0))
        self.services.directory.centres[name] = centre
        self.services.watches[name] = Watch(centre, lambda _: None)

    def plans(self, *names: str) -> None:
        """From now on the schedulers of those centres are of a kind that plans ahead and limits people."""
        for name in names:
            facts = self.services.directory.centres[name].descriptor
            kind = facts.scheduler.model_copy(update={"kind": "slurm"})
            self.put(name, facts.model_copy(update={"scheduler": kind}))

    async def restart(self, database: Path) -> None:
        """A broker anew, with what this file remembers; the centres have gone on."""
        await self.store.close()
        services = self.services
        self.store = services.store = await Store.open(f"sqlite:///{database}")
        services.strays, services.started_at, services.history = Strays(), services.now(), History()
        services.said.clear()
        services.in_flight = InFlight()
        for name, centre in list(services.directory.centres.items()):
            self.put(name, centre.descriptor)
        await self.tick()

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
            await watch.tick()

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

    async def taken_up(launch: Launch) -> None:
        woken.append(launch.id)

    services = Services(
        Settings(folder, hub_id="test1"),
        store,
        CentreDirectory(folder / "nowhere"),
        doors,
        MasterKey.load(folder / "master"),
        wake=woken.append,
        take_up=taken_up,
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
        await made.store.close()
