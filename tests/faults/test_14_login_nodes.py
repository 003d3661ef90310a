"""A real login node accepts connections and never answers, or is cut off: everybody elsewhere waits as before."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from sampan_hub.centre import Centre
from sampan_hub.directory import CentreDirectory
from sampan_hub.stalls import TOO_LONG
from tests.faults.broken import Broken
from tests.faults.cases import Pair
from tests.faults.losses import counted
from tests.faults.measuring import broker_stalls, codes, crowd, hub_stalled, measured, nearly_all
from tests.federation.federation import Federation
from tests.ways.person import Person
from tests.ways.whole_hub import WholeHub, came


async def waits_at(centres: Mapping[str, Centre], times: int = 20) -> dict[str, float]:
    """See `nearly_all`: questions about capacity at each of them, over the connections that are open."""

    def ask(centre: Centre) -> Callable[[], Awaitable[object]]:
        return lambda: centre.ask(centre.scheduler.capacity())

    found = await asyncio.gather(*(nearly_all(ask(centre), times) for centre in centres.values()))
    return dict(zip(centres, found, strict=True))


@asynccontextmanager
async def asked_beside(hub: WholeHub) -> AsyncIterator[dict[str, Centre]]:
    """The hub's centres, asked by this process as its broker asks them: over SSH, with certificates of its signer."""
    directory = CentreDirectory(hub.state / "centres", hub.state / "run" / "signer.sock")
    await directory.read()
    try:
        yield directory.centres
    finally:
        await directory.close()


SILENT = {"centre.busy", "centre.set_aside", "centre.timeout", "centre.unreachable"}
FAULTS: dict[str, Pair] = {
    "hangs": (
        "The login node of a running server's centre accepts connections and never answers",
        "运行中服务器所在中心的登录节点接受连接却不作答复",
    ),
    "cut": ("The way to a running server's centre is cut", "通往运行中服务器所在中心的路被切断"),
}


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.federation
@pytest.mark.asyncio(loop_scope="session")
async def test_real_login_nodes(real_hub: WholeHub, federation: Federation, broken: Broken) -> None:
    """One real centre hangs, and later is cut: awaited calls, a place in a queue and the event loops are elsewhere as before.

    SSH notices a dead connection after 20 s and a dead host after 10, and four servers are started.
    """
    east = federation.centre("east")
    faults: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
        "hangs": (partial(east.stop_daemon, "sshd"), partial(east.continue_daemon, "sshd")),
        "cut": (east.cut, east.heal),
    }
    async with (
        Person(real_hub, "ann") as ann,
        Person(real_hub, "ben") as ben,
        Person(real_hub, "carol") as carol,
        Person(real_hub, "dave") as dave,
        asked_beside(real_hub) as centres,
        measured() as stalls,
    ):
        stood = await broker_stalls(real_hub)
        await ann.start(plan="light", centre="east")
        await ann.ready()
        kernel = await ann.kernel()
        await kernel.run("kept = 6 * 7")
        real_hub.fill("core")
        await dave.start(plan="light", centre="core")
        waits = await dave.at("queued")
        mine, others = centres["east"], {name: one for name, one in centres.items() if name != "east"}
        await mine.ask(mine.scheduler.capacity())
        before = await waits_at(others)
        wanted = [await ann.launch(), waits]
        for (fault, (begin, end)), starter in zip(faults.items(), (ben, carol), strict=True):
            await asyncio.to_thread(begin)
            try:
                crowded = await crowd(mine, 60, east.account("ann"))
                during = await waits_at(others)
                cut = await came(lambda: _unreachable(ann), 60, every=0.3)
                during = {name: max(during[name], more) for name, more in (await waits_at(others)).items()}
                assert await codes(crowded) <= SILENT
                await starter.start(plan="light")
                await starter.ready()
                wanted.append(await starter.launch())
                assert wanted[-1]["centre"] != "east"
                assert (await dave.launch())["place"] == waits["place"]
            finally:
                await asyncio.to_thread(end)
            broken.mended()
            assert (await kernel.run("print(kept)")).strip() == "42"
            seconds = broken.seconds
            # Twice, and a quarter of a second, for a machine that does other things, too.
            slower = {
                name: (during[name], before[name])
                for name in others
                if during[name] > 2 * before[name] + 0.25
            }
            assert not slower
            broken(FAULTS[fault], cut["message"], await counted(real_hub, wanted), seconds)
            await came(lambda: _alive(ann), 60, every=0.3)
        assert stalls.longest < TOO_LONG
        # The hub has run before this test: a stall of that time, which the page of that test would tell, is not this one's.
        longest = await broker_stalls(real_hub)
        assert longest < TOO_LONG or longest == stood, longest
        if os.getloadavg()[0] < 2 * len(os.sched_getaffinity(0)):
            assert not hub_stalled(real_hub)


async def _alive(person: Person) -> bool:
    return bool((await person.launch())["seen"] == "alive")


async def _unreachable(person: Person) -> dict[str, Any] | None:
    launch = await person.launch()
    return launch if launch["seen"] == "unreachable" else None
