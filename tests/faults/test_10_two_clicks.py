"""Two clicks, two tabs, page and API at once, a stop while pending: one job; the stop wins, and the job is confirmed gone."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.broken import Broken
from tests.faults.losses import counted
from tests.ways.person import Person
from tests.ways.whole_hub import WholeHub, came

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _jobs_of(hub: WholeHub, launch: str) -> list[str]:
    return [
        job["id"]
        for centre in hub.centres
        for job in hub.live_jobs(centre)
        if job["tag"].split("-")[2] == launch
    ]


async def test_two_clicks(hub: WholeHub, broken: Broken) -> None:
    await _two_clicks(hub, broken)


@pytest.mark.federation
async def test_two_clicks_at_real_centres(real_hub: WholeHub, broken: Broken) -> None:
    await _two_clicks(real_hub, broken)


async def _two_clicks(hub: WholeHub, broken: Broken) -> None:
    """Two tabs and a script at the same moment."""
    async with Person(hub, "ben") as ben:
        await asyncio.gather(
            ben.start(plan="light"),
            ben.start(plan="light"),
            ben.api("POST", "/users/ben/server", json={"plan": "light"}),
        )
        await ben.ready()
        launch = await ben.launch()
        assert [one["id"] for one in await hub.launches("ben")] == [launch["id"]]
        assert await asyncio.to_thread(_jobs_of, hub, launch["id"]) == [launch["job"]]
        losses = await counted(hub, [launch])
        await ben.stop()
        await ben.at("ended")
        broken(
            ("Two tabs and a script start at the same moment", "两个标签页与一个脚本同时启动"),
            launch["message"],
            losses,
        )


async def test_stop_while_pending(hub: WholeHub, broken: Broken) -> None:
    await _stop_while_pending(hub, broken)


@pytest.mark.federation
async def test_stop_while_pending_at_real_centres(real_hub: WholeHub, broken: Broken) -> None:
    await _stop_while_pending(real_hub, broken)


async def _stop_while_pending(hub: WholeHub, broken: Broken) -> None:
    fillers = {centre: await asyncio.to_thread(hub.fill, centre) for centre in hub.centres}
    async with Person(hub, "carol") as carol:
        await carol.start(plan="light")
        queued = await carol.at("queued")
        assert await asyncio.to_thread(_jobs_of, hub, queued["id"]) == [queued["job"]]
        broken.mended()
        assert (await carol.stop()).is_success
        ended = await carol.at("ended")
        seconds = broken.seconds
        assert ended["cause"]["code"] == "ended.stopped"
        assert await asyncio.to_thread(_jobs_of, hub, queued["id"]) == []
        # The hub has let go as well, and a new start is a new launch.
        await came(lambda: _empty(carol))
        await carol.start(plan="light")
        again = await carol.at("queued")
        assert again["id"] != queued["id"]
        for centre, job in fillers.items():
            await asyncio.to_thread(hub.free, centre, job)
        assert (await carol.at("ready"))["id"] == again["id"]
        assert await asyncio.to_thread(_jobs_of, hub, queued["id"]) == []
        broken(
            ("Stop while the job waits in a queue, and a new start", "作业排队时停止，随后重新启动"),
            ended["message"],
            await counted(hub, [again]),
            seconds,
        )


async def _empty(person: Person) -> bool:
    return not await person.server()
