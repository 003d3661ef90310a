"""The way of a start: a person asks for a need; a server answers at a centre that has room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from tests.ways.person import Person
from tests.ways.whole_hub import WholeHub, came, whole_hub

JOB = "os.environ.get('SLURM_JOB_ID') or os.environ['SAMPAN_JOB_ID']"
FACTS = f"import os, sampan; h = sampan.here(); print(h.centre, h.launch, os.getpid(), {JOB})"


@pytest_asyncio.fixture
async def hub(kind: str) -> AsyncIterator[WholeHub]:
    async with whole_hub(kind) as running:
        yield running


async def test_kernel_and_scheduler_agree_on_the_centre(hub: WholeHub) -> None:
    async with Person(hub, "alice") as alice:
        await alice.start(plan="light")
        await alice.ready()
        launch = await alice.launch()
        kernel = await alice.kernel()
        centre, name, _, job = (await kernel.run(FACTS)).split()
        assert (centre, name, job) == (launch["centre"], launch["id"], launch["job"])
        [running] = hub.live_jobs(centre)
        assert running["id"] == job
        await alice.stop()
        ended = await alice.at("ended")
        assert ended["cause"]["code"] == "ended.stopped"
        assert hub.live_jobs(centre) == []


async def test_a_full_centre_is_passed_by_and_used_again(hub: WholeHub) -> None:
    """Ten starts at once, each a real server on two shared cores: this takes most of its time in Python imports."""
    full = hub.fill("east")
    # What the broker believes of a centre may be ten seconds old.
    await came(lambda: _is_full(hub, "east"))
    people = [Person(hub, f"p{number:02}") for number in range(10)]
    for person in people:
        await person.__aenter__()
    await asyncio.gather(*(person.start(plan="light") for person in people))
    await asyncio.gather(*(person.at("ready", deadline=150) for person in people))
    launches = [await person.launch() for person in people]
    others = set(hub.centres) - {"east"}
    assert {launch["centre"] for launch in launches} <= others
    # Nobody was sent somewhere to wait, and moved on.
    assert {len(launch["attempts"]) for launch in launches} == {1}
    for centre in others:
        assert all(job["state"] == "running" for job in hub.live_jobs(centre))
        assert hub.places.overcommitted(centre) == {}
    hub.free("east", full)
    await came(lambda: _has_room(hub, "east"))
    async with Person(hub, "late") as late:
        await late.start(plan="light")
        assert (await late.at("ready"))["centre"] == "east"
    for person in people:
        await person.__aexit__()


async def test_all_full_gives_a_place_and_starts_by_itself(hub: WholeHub) -> None:
    fillers = {centre: hub.fill(centre) for centre in hub.centres}
    async with Person(hub, "ann") as ann, Person(hub, "ben") as ben:
        for person in (ann, ben):
            await person.start(plan="light")
            queued = await person.at("queued")
            assert queued["place"] >= 1
            assert queued["message"]["code"] == "launch.queued_wait"
        hub.free("west", fillers["west"])
        for person in (ann, ben):
            assert (await person.at("ready"))["centre"] == "west"


async def test_a_start_that_fails_goes_on_at_the_next_centre(hub: WholeHub) -> None:
    """The first choice accepts the job and has no Python there: one progress, the reason kept."""
    offers = await hub.ask("POST", "/place", "carol", json={"options": {"plan": "light"}})
    first_choice = offers["ranked"][0]["centre"]
    await hub.another_python(first_choice, "half-broken", 'echo "no such environment" >&2; exit 127')
    async with Person(hub, "carol") as carol:
        await carol.start(plan="light")
        launch = await carol.at("ready")
        assert launch["centre"] != first_choice
        first, second = launch["attempts"]
        assert (first["centre"], first["stage"]) == (first_choice, "ended")
        assert first["cause"]["code"] == "ended.failed"
        assert second["stage"] == "ready"


async def _is_full(hub: WholeHub, centre: str) -> bool:
    found = next(one for one in await hub.ask("GET", "/centres") if one["id"] == centre)
    return all(share["cores_free"] == 0 for share in found["shares"])


async def _has_room(hub: WholeHub, centre: str) -> bool:
    """Whether the broker has heard of it: what it believes may be ten seconds old."""
    found = next(one for one in await hub.ask("GET", "/centres") if one["id"] == centre)
    return bool(found["shares"][0]["cores_free"] == found["shares"][0]["cores_total"])
