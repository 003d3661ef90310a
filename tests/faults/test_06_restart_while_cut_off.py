"""Hub and broker restart while a centre is cut off: its servers are not stopped, and nobody elsewhere waits for it.

Who waits in a queue there goes on waiting, and a start takes as long as before.
"""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.faults.broken import Broken
from tests.faults.losses import counted
from tests.ways.person import Person
from tests.ways.whole_hub import WholeHub, came

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_processes_that_are_stopped(hub: WholeHub, broken: Broken) -> None:
    """Between processes of one machine there is no cable: the launcher is stopped like a machine behind one."""
    await _cut_off(hub, broken)


@pytest.mark.federation
async def test_a_link_that_is_cut(real_hub: WholeHub, broken: Broken) -> None:
    await _cut_off(real_hub, broken)


async def _cut_off(hub: WholeHub, broken: Broken) -> None:
    async with Person(hub, "ann") as ann, Person(hub, "ben") as ben:
        await ann.start(plan="light")
        await ann.ready()
        kernel = await ann.kernel()
        await kernel.run("kept = 6 * 7")
        before = await ann.launch()
        full, free, *_ = (centre for centre in hub.centres if centre != before["centre"])
        filler = await asyncio.to_thread(hub.fill, full)
        await ben.start(plan="light", centre=full)
        waits = await ben.at("queued")
        quiet = await _start(hub, free)
        await asyncio.to_thread(hub.places.cut, before)
        try:
            await hub.restarted("hub", hub.kill("hub"))
            await came(hub.answers, 60)
            late = await _start(hub, free)
            # Twice, and two seconds, for a machine that does other things, too: who waits for the cut centre waits for ten.
            assert late < 2 * quiet + 2
            await hub.restarted("broker", hub.kill("broker"))
            await came(hub.answers, 60)
            page = await ann.client.get(ann.path() + "api/status", headers={"Accept": "application/json"})
            assert page.status_code < 500
            assert (await ben.launch())["id"] == waits["id"]
            await asyncio.to_thread(hub.free, full, filler)
            await ben.ready()
            assert (await ben.launch())["id"] == waits["id"]
            cut = await came(lambda: _unreachable(ann), 60, every=0.3)
            assert (cut["id"], cut["job"], cut["target"]) == (before["id"], before["job"], "ready")
        finally:
            await asyncio.to_thread(hub.places.heal, before)
        broken.mended()
        assert (await kernel.run("print(kept)")).strip() == "42"
        seconds = broken.seconds
        losses = await counted(hub, [before, await ben.launch()])
        broken(
            (
                "Hub and broker killed while the way to a running server is cut",
                "通往运行中服务器的路被切断时，杀死 JupyterHub 与调度代理",
            ),
            cut["message"],
            losses,
            seconds,
        )


async def _unreachable(person: Person) -> dict[str, object] | None:
    launch = await person.launch()
    return launch if launch["seen"] == "unreachable" else None


async def _start(hub: WholeHub, centre: str) -> float:
    """Seconds from the wish for a kernel at that centre until it answers."""
    began = time.monotonic()
    wish = {"kind": "kernel", "name": str(began), "options": {"plan": "light", "centre": centre}}
    path = f"/launches/{(await hub.ask('POST', '/launches', 'carol', json=wish))['id']}"

    async def is_at(stage: str) -> bool:
        return bool((await hub.ask("GET", path, "carol"))["stage"] == stage)

    await came(lambda: is_at("ready"), 60)
    seconds = time.monotonic() - began
    await hub.ask("DELETE", path, "carol")
    await came(lambda: is_at("ended"), 60)
    return seconds
