"""kill -9 at each step between request and ready: afterwards exactly one live job a launch, and the person's server."""

from __future__ import annotations

import asyncio

import pytest

from sampan_hub.jobs import JobState
from sampan_hub.reconcile import reconcile
from tests.faults.broken import Broken
from tests.faults.losses import Losses, counted
from tests.sampan_hub.broken_world import Ground, World, ground
from tests.sampan_hub.fuse import Killed
from tests.ways.person import Person
from tests.ways.whole_hub import WholeHub, came

PARTS = ("hub", "broker", "signer", "proxy", "up")
WAYS = ("broker", "proxy", "up")
"""Through which the way to a server goes."""
MOMENTS = (("broker", 0.0), ("hub", 0.2), ("broker", 0.6), ("hub", 1.0), ("broker", 1.6))
"""Who is killed, seconds after the click: on two cores a start takes some four."""


def test_the_broker_at_each_of_its_acts(broken: Broken) -> None:
    """Before and after each write and each command, one after the other, until it was killed nowhere."""
    with ground() as made:
        acts = 0
        while True:
            world = World(made)
            launch = world.start("ann", "")
            assert launch is not None
            killed = _killed_in_the_end(made, world, launch, acts)
            jobs = world.live_jobs().get(launch, [])
            row, attempts = world.rows()[launch]
            assert (len(jobs), row.ended_at) == (1, None), (acts, jobs)
            assert [job.tag for _, job in jobs] == [one.tag for one in attempts if one.ended_at is None]
            assert [job.state for _, job in jobs] == [JobState.RUNNING]
            said = row.message
            world.close()
            if not killed:
                break
            acts += 1
    assert acts > 10, "a start has more acts than that"
    broken(
        (
            f"The broker killed at each of its {acts} acts on the way to a running job",
            f"在通往运行作业的 {acts} 个动作处逐一杀死调度代理",
        ),
        said,
        Losses(),
    )


def _killed_in_the_end(made: Ground, world: World, launch: str, acts: int) -> bool:
    """Goes on until the job runs, and a sweep further; whether the broker died on the way, after so many half acts."""
    left: int | None = acts
    for _ in range(30):
        for centre in world.CENTRES:
            world.tick(centre)
        _, attempts = world.rows()[launch]
        if any(one.ended_at is None and one.stage == "running" for one in attempts):
            break
        world.fuse.left = left
        try:
            made.run(reconcile(world.services, launch))
            left, world.fuse.left = world.fuse.left, None
        except Killed:
            world.die()
            left = None
        world.ground.ahead += 1.0
    for centre in world.CENTRES:
        world.sweep(centre)
        world.tick(centre)
    return left is None


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.asyncio(loop_scope="session")
async def test_parts_while_one_runs_and_one_waits(hub: WholeHub, broken: Broken) -> None:
    """Five parts are killed one after the other, and each comes back as slowly as the machine's other work lets it."""
    await _each_part(hub, broken)


@pytest.mark.federation
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.asyncio(loop_scope="session")
async def test_parts_while_one_runs_and_one_waits_at_real_centres(real_hub: WholeHub, broken: Broken) -> None:
    """Five parts are killed one after the other, and three real Jupyter servers start on two shared cores."""
    await _each_part(real_hub, broken)


async def _each_part(hub: WholeHub, broken: Broken) -> None:
    """Hub, broker, signer, proxy and `sampan up` killed one after the other: the kernel and the place in the queue stay."""
    async with Person(hub, "ann") as ann, Person(hub, "ben") as ben, Person(hub, "carol") as carol:
        await ann.start(plan="light")
        await ann.ready()
        kernel = await ann.kernel()
        await kernel.run("kept = 6 * 7")
        fillers = {
            centre: await asyncio.to_thread(hub.fill, centre, await _free(hub, centre))
            for centre in hub.centres
        }
        await ben.start(plan="light")
        await ben.at("queued")
        before = {person.name: await person.launch() for person in (ann, ben)}
        lines = []
        for part in PARTS:
            killed = hub.kill(part)
            broken.mended()
            made = kernel.connections
            if part == "up":
                hub.start()
            else:
                # A page that is open asks again while there is nobody.
                assert (await kernel.run("print(kept)")).strip() == "42", part
                await hub.restarted(part, killed)
            await came(hub.answers, 60)
            assert (await kernel.run("print(kept)")).strip() == "42", part
            # Where its way went through that part it has connected again, and once; nobody else's end is noticed.
            assert kernel.connections - made == (part in WAYS), part
            seconds = broken.seconds
            after = {person.name: await person.launch() for person in (ann, ben)}
            for name in before:
                assert (after[name]["id"], after[name]["target"]) == (before[name]["id"], "ready"), part
            assert after["ann"]["job"] == before["ann"]["job"]
            lines.append((part, after["ann"]["message"], await counted(hub, before.values()), seconds))
        await asyncio.to_thread(hub.free, "west", fillers["west"])
        await ben.ready()
        assert (await ben.launch())["id"] == before["ben"]["id"]
        # Somebody for whom nothing was signed before, and whom the last hub does not know.
        await carol.start(plan="light")
        await carol.ready()
        for part, said, losses, seconds in lines:
            english, chinese = NAMES[part]
            done = f"{english} killed while one runs and one waits", f"{chinese}被杀死，一人运行，一人等待"
            broken(done, said, losses, seconds)


NAMES = {
    "hub": ("JupyterHub", "JupyterHub "),
    "broker": ("The broker", "调度代理"),
    "signer": ("The signer", "签发进程"),
    "proxy": ("The proxy", "反向代理"),
    "up": ("`sampan up` and all below it", "`sampan up` 及其下全部进程"),
}


async def _free(hub: WholeHub, centre: str) -> int:
    [found] = [one for one in await hub.ask("GET", "/centres") if one["id"] == centre]
    return int(found["shares"][0]["cores_free"])


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.asyncio(loop_scope="session")
async def test_parts_while_somebody_starts(hub: WholeHub, broken: Broken) -> None:
    """Five real starts of Jupyter servers one after the other, each with a part killed in it at another moment."""
    longest, said = 0.0, {}
    async with Person(hub, "ann") as ann:
        for number, (part, moment) in enumerate(MOMENTS):
            name = f"{part}{number}"
            await ann.start(name, plan="light")
            await asyncio.sleep(moment)
            launch = await ann.launch(name)
            killed = hub.kill(part)
            broken.mended()
            await hub.restarted(part, killed)
            await came(hub.answers, 60)
            ready = await ann.at("ready", name, deadline=60)
            await ann.ready(name)
            longest, said = max(longest, broken.seconds), ready["message"]
            if launch:
                assert ready["id"] == launch["id"]
            await ann.stop(name)
        losses = await counted(hub)
    broken(
        (
            "Broker or JupyterHub killed at ten moments of a start",
            "在启动的十个时刻杀死调度代理或 JupyterHub",
        ),
        said,
        losses,
        longest,
    )
