"""Hub, broker and proxy killed, each with one server running and one pending: both are there afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.ways.person import Kernel, Person
from tests.ways.whole_hub import WholeHub, came, whole_hub


@pytest_asyncio.fixture
async def hub(kind: str) -> AsyncIterator[WholeHub]:
    async with whole_hub(kind) as running:
        yield running


async def _one_running_one_pending(hub: WholeHub, ann: Person, ben: Person) -> tuple[Kernel, dict[str, str]]:
    await ann.start(plan="light")
    await ann.ready()
    kernel = await ann.kernel()
    await kernel.run("kept = 6 * 7")
    fillers = {}
    for centre in hub.centres:
        free = next(
            share["cores_free"]
            for one in await hub.ask("GET", "/centres")
            if one["id"] == centre
            for share in one["shares"]
        )
        fillers[centre] = hub.fill(centre, free)
    await ben.start(plan="light")
    await ben.at("queued")
    return kernel, fillers


@pytest.mark.parametrize("part", ["hub", "broker", "proxy", "signer", "up"])
async def test_killed(hub: WholeHub, part: str) -> None:
    async with Person(hub, "ann") as ann, Person(hub, "ben") as ben:
        kernel, fillers = await _one_running_one_pending(hub, ann, ben)
        before = {person.name: await person.launch() for person in (ann, ben)}
        killed = hub.kill(part)
        if part == "up":
            hub.start()
        else:
            await hub.restarted(part, killed)
        await came(hub.answers, 60)
        assert (await kernel.run("print(kept)")).strip() == "42"
        hub.free("west", fillers["west"])
        await ben.ready()
        after = {person.name: await person.launch() for person in (ann, ben)}
        for name in before:
            assert after[name]["id"] == before[name]["id"]
            assert after[name]["target"] == "ready"
        assert after["ann"]["job"] == before["ann"]["job"]
        other = await ben.kernel()
        assert (await other.run("print(1 + 1)")).strip() == "2"
        ours = [job for centre in hub.centres for job in hub.live_jobs(centre)]
        assert len(ours) == 2
        if part == "signer":
            # Somebody for whom nothing was signed before.
            async with Person(hub, "carol") as carol:
                await carol.start(plan="light")
                await carol.ready()


@pytest.mark.parametrize("part", ["hub", "broker"])
async def test_killed_while_the_way_to_the_running_server_is_cut(hub: WholeHub, part: str) -> None:
    """Nothing is ended, who is pending elsewhere is not delayed, and the kernel is there afterwards."""
    async with Person(hub, "ann") as ann, Person(hub, "ben") as ben:
        kernel, fillers = await _one_running_one_pending(hub, ann, ben)
        before = await ann.launch()
        hub.places.cut(before)
        try:
            await hub.restarted(part, hub.kill(part))
            await came(hub.answers, 60)
            page = await ann.client.get(ann.path() + "api/status", headers={"Accept": "application/json"})
            assert page.status_code < 500
            other = next(centre for centre in hub.centres if centre != before["centre"])
            hub.free(other, fillers[other])
            await ben.ready()
            cut = await ann.launch()
            assert (cut["id"], cut["job"], cut["target"]) == (before["id"], before["job"], "ready")
        finally:
            hub.places.heal(before)
        assert (await kernel.run("print(kept)")).strip() == "42"
