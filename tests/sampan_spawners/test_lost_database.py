"""The broker's database was lost: the hub waits, follows a door that moved, and lets go of what is certainly gone."""

import httpx
import pytest

from tests.sampan_spawners.live_hub import PROXY_TOKEN, Browser, LiveHub, came
from tests.sampan_spawners.scripted_broker import door

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_route_follows_a_door_that_was_opened_elsewhere(hub: LiveHub) -> None:
    async with Browser(hub, "dale") as dale, door() as one, door() as two:
        script = await dale.started(one)
        assert one != two
        script.door = two
        await came(lambda: _leads(hub, "/user/dale", two), 30)
        assert (await dale.client.get("/user/dale/api")).json() == {"version": "here"}


async def _leads(hub: LiveHub, path: str, address: str) -> bool:
    headers = {"Authorization": f"token {PROXY_TOKEN}"}
    async with httpx.AsyncClient(headers=headers) as client:
        routes = (await client.get(f"http://127.0.0.1:{hub.proxy_port}/api/routes")).json()
    return bool(routes[path]["target"] == address)


async def test_what_is_certainly_gone_is_not_listed_for_ever(hub: LiveHub) -> None:
    async with Browser(hub, "dirk") as dirk, door() as address:
        script = await dirk.started(address)
        token = hub.broker.running_token[script.id]
        del hub.broker.scripts[script.id]
        # Not at once: somebody may be giving the broker its newer copy.
        assert await hub.whose(token) == "dirk"
        await came(dirk.is_idle, 60)
        assert await hub.whose(token) is None
        assert script.id not in hub.broker.stopped
