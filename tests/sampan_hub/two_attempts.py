"""Launches with two live attempts, at scripted centres."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sampan.messages import Message
from sampan.need import Need
from sampan.stages import Stage
from sampan_hub.jobs import JobState
from sampan_hub.records import Attempt, Launch, holder, rival
from sampan_hub.steps.rivals import move_on
from tests.sampan_hub.scripted_centre import Bench

__all__ = ["IDENTITY", "Scene", "hedged", "live", "moving", "settle", "sides"]

IDENTITY = {"JUPYTERHUB_API_TOKEN": "x"}
Scene = Callable[[Bench, str], Awaitable[Launch]]


async def moving(bench: Bench, name: str = "") -> Launch:
    """A session that serves, and a rival that is to follow it."""
    launch = await bench.launch(name=name, need=Need(cores=1, minutes=60))
    await bench.put_ready(launch)
    bench.services.identities[launch.id] = IDENTITY
    await move_on(bench.services, await bench.row(launch), 120)
    return launch


async def hedged(bench: Bench, name: str = "") -> Launch:
    """A start that waits at east, and a rival that runs at west as soon as it is submitted."""
    bench.sites["east"].cores_free, bench.sites["east"].first_state = 0, JobState.QUEUED
    bench.sites["west"].cores_free, bench.sites["west"].first_state = 0, JobState.RUNNING
    await bench.tick()
    launch = await bench.launch(name=name, need=Need(cores=1, centre="east"))
    await bench.at(launch, "queued")
    message = Message("launch.hedged", {"centre": "west", "former": "east"})
    await bench.store.add_attempt(
        launch.id,
        centre="west",
        share="main",
        account="hpc7",
        hub_id="test1",
        message=message,
        progress=30,
        rival=True,
    )
    return launch


async def sides(bench: Bench, launch: Launch) -> tuple[Attempt | None, Attempt | None]:
    attempts = await bench.store.attempts(launch.id)
    return holder(attempts), rival(attempts)


async def settle(bench: Bench, launch: Launch, looks: int = 30) -> None:
    """Steps and ticks until one attempt lives, or none; a rival that runs is reached by decree."""
    for _ in range(looks):
        held, beside = await sides(bench, launch)
        assert sum(one.live for one in await bench.store.attempts(launch.id)) <= 2
        given = (await bench.row(launch)).identity_attempt
        assert given is None or (held is not None and given <= held.number), "a rival has no identity"
        if beside is None and (held is None or held.cancel_requested_at is None):
            return
        if beside is not None and beside.stage is Stage.RUNNING and held and held.ready_at:
            await bench.store.update_attempt(launch.id, beside.number, stage=Stage.REACHABLE)
        await bench.step(launch)
        await bench.tick()
    raise AssertionError(await bench.codes(launch))


def live(bench: Bench, launch: Launch) -> list[str]:
    return [job.tag for site in bench.sites.values() for job in site.live if launch.id in job.tag]
