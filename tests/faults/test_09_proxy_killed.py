"""The proxy dies with 300 routes: all are back within 30 s, and none ever leads to another person's server."""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from sampan.messages import text
from sampan_hub.doors import Doors
from sampan_hub.stalls import TOO_LONG
from tests.faults.broken import Broken
from tests.faults.losses import counted
from tests.faults.measuring import broker_stalls
from tests.ways.whole_hub import WholeHub, came, whole_hub

PEOPLE = tuple(f"person{number:03}" for number in range(300))
BACK = 30.0
"""Seconds from the proxy's death."""
SETTINGS = """
from jupyterhub import orm
from jupyterhub.spawner import Spawner

PORTS = {ports!r}


class Berth(Spawner):
    "A server that was there before the hub: it runs, and is where its door is."

    async def start(self):
        return "127.0.0.1", PORTS[self.user.name]

    async def poll(self):
        return None

    async def stop(self, now=False):
        return None


c.JupyterHub.spawner_class = Berth
session = orm.new_session_factory(c.JupyterHub.db_url)()
for name, port in PORTS.items() if session.query(orm.User).count() == 0 else ():
    person = orm.User(name=name)
    address = orm.Server(proto="http", ip="127.0.0.1", port=port, base_url=f"/user/{{name}}/", cookie_name=name)
    session.add_all([person, orm.Spawner(name="", user=person, server=address, state={{}})])
session.commit()
session.close()
"""


@asynccontextmanager
async def doors() -> AsyncIterator[dict[str, int]]:
    """A real door for each, with nobody's job behind it: it says whose it is. Person → port."""
    made = Doors((20000, 24999), accounts=frozenset({os.getuid()}), kept={})
    made.explain = lambda owner: (text({"en": owner, "zh": owner}), 0)
    try:
        yield {owner: await made.open(owner, prefix=f"/user/{owner}/") for owner in PEOPLE}
    finally:
        await made.close()


async def whose(client: httpx.AsyncClient, owner: str) -> str:
    """Whose door is behind the address of this person's server, by what it says itself; empty while none is."""
    try:
        answer = await client.get(f"/user/{owner}/api", headers={"Accept": "application/json"})
    except httpx.HTTPError:
        return ""
    return str(answer.json().get("message", "")) if answer.status_code == 424 else ""


async def lost(client: httpx.AsyncClient) -> list[str]:
    """Those whose route is not there. One that leads to somebody else fails the test at once."""
    at_once = asyncio.Semaphore(20)

    async def ask(owner: str) -> str:
        async with at_once:
            found = await whose(client, owner)
        assert found in ("", owner), f"the route of {owner} leads to {found}"
        return found

    found = await asyncio.gather(*map(ask, PEOPLE))
    return [owner for owner, there in zip(PEOPLE, found, strict=True) if not there]


async def all_back(client: httpx.AsyncClient) -> bool:
    # A few first: asking all of them all the time would be the load that it measures.
    some = random.sample(PEOPLE, 5)
    if not all([await whose(client, owner) == owner for owner in some]):
        return False
    return not await lost(client)


async def routes(hub: WholeHub) -> dict[str, str]:
    """What the proxy itself says: path → where it leads."""
    api = json.loads((hub.state / "ports.json").read_text(encoding="utf-8"))["proxy_api"]
    async with httpx.AsyncClient(timeout=20) as client:
        headers = {"Authorization": f"token {hub.secret('proxy-token')}"}
        found = await client.get(f"http://127.0.0.1:{api}/api/routes", headers=headers)
    return {path: route["target"] for path, route in found.json().items()}


async def test_all_routes_are_back_and_lead_to_their_owners(broken: Broken) -> None:
    """The servers are doors without jobs: 300 jobs would be another test. They ran before the hub did, which finds them in its
    database as after any restart of its own.
    """
    async with (
        doors() as ports,
        whole_hub("embedded", settings=SETTINGS.format(ports=ports)) as hub,
        httpx.AsyncClient(base_url=hub.url, timeout=20) as client,
    ):
        await came(lambda: all_back(client), 60)
        before = await routes(hub)
        assert len(before) >= len(PEOPLE)
        killed, began = hub.kill("proxy"), time.monotonic()
        await hub.restarted("proxy", killed)
        await came(lambda: all_back(client), BACK)
        seconds = time.monotonic() - began
        assert seconds < BACK
        assert await routes(hub) == before
        assert await broker_stalls(hub) < TOO_LONG
        broken(
            ("proxy killed with 300 routes", "代理带着 300 条路由被杀死"),
            ("The page loads again, and it is one's own.", "页面重新载入，仍是自己的页面。"),
            await counted(hub),
            seconds,
            on="embedded",
        )
