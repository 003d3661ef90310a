"""Hub and broker are killed while a crowd starts, with light servers in place of Jupyter: everybody gets theirs, once."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.bench.light_server import lighten
from tests.faults.broken import Broken
from tests.faults.losses import counted
from tests.ways.person import Person
from tests.ways.whole_hub import WholeHub, came, whole_hub

pytestmark = pytest.mark.asyncio(loop_scope="session")

PEOPLE = 24
SECONDS = 16.0
KILLED = {4.0: "hub", 9.0: "broker", 13.0: "hub"}
"""After so many seconds, which part."""


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_hub_and_broker_killed_while_a_crowd_starts(broken: Broken) -> None:
    """Twenty-four people need a quarter of a minute to come, and as long again until the last of them is served."""
    async with whole_hub("embedded") as hub:
        for centre in hub.centres:
            lighten(hub, centre, PEOPLE // 2)
        await came(lambda: _known(hub), 60)
        killing = asyncio.create_task(_kill(hub))
        await asyncio.gather(*(_come(hub, number) for number in range(PEOPLE)), killing)
        broken.mended()
        launches = await came(lambda: _all_served(hub), 120, every=1.0)
        owners = [launch["owner"] for launch in launches]
        assert len(owners) == len(set(owners)) == PEOPLE, "one launch each, however often they had to press"
        assert sum(len(hub.live_jobs(centre)) for centre in hub.centres) == PEOPLE
        broken(
            (
                f"The hub killed twice and the broker once while {PEOPLE} people start within {SECONDS:.0f} s",
                f"{PEOPLE} 人在 {SECONDS:.0f} 秒内启动期间，平台被杀死两次，调度代理被杀死一次",
            ),
            launches[0]["message"],
            await counted(hub, launches),
            broken.seconds,
            on="embedded",
        )


async def _known(hub: WholeHub) -> bool:
    shares = [one["shares"][0] for one in await hub.ask("GET", "/centres")]
    return [share["cores_total"] for share in shares] == [PEOPLE // 2] * len(hub.centres)


async def _kill(hub: WholeHub) -> None:
    began = asyncio.get_running_loop().time()
    for after, part in KILLED.items():
        await asyncio.sleep(began + after - asyncio.get_running_loop().time())
        await hub.restarted(part, hub.kill(part))


async def _come(hub: WholeHub, number: int) -> None:
    """Logs in and presses Start; where nothing answers, loads the page again, as people do."""
    await asyncio.sleep(number * SECONDS / PEOPLE)
    name = f"p{number:02}"

    async def pressed() -> bool:
        try:
            if await hub.launches(name):
                return True
            async with Person(hub, name) as person:
                await person.start(cores="1", memory="0.5", hours="1")
            return False
        except (httpx.HTTPError, OSError, AssertionError):
            # Refused, or a page without what is pressed: hub or broker is away just now.
            return False

    await came(pressed, 120, every=1.0)


async def _all_served(hub: WholeHub) -> list[dict[str, Any]] | None:
    try:
        found = await asyncio.gather(*(hub.launches(f"p{number:02}") for number in range(PEOPLE)))
    except (httpx.HTTPError, OSError):
        return None
    launches = [launch for mine in found for launch in mine]
    return launches if all(mine and mine[0]["stage"] == "ready" for mine in found) else None
