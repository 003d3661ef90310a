"""From the click on Start to the first page: the embedded default beside JupyterHub as it comes, run by run in turn."""

from __future__ import annotations

import json
import time
from contextlib import redirect_stdout
from io import StringIO
from typing import Any, Final

import httpx

from tests.bench.figures import Figure, keep, measured
from tests.bench.stock_hub import stock_hub
from tests.ways.person import SAME_ORIGIN, Person
from tests.ways.whole_hub import WholeHub, came, token_in, whole_hub

__all__ = ["run"]

RUNS: Final = 5
STAGES: Final = ("placed", "submitted", "queued", "running", "reachable", "ready")


async def run() -> list[Figure]:
    ours: list[float] = []
    stock: list[float] = []
    stages: list[dict[str, float]] = []
    # The hub tells its logs when it ends, for a test that has failed.
    with redirect_stdout(StringIO()):
        await _turns(ours, stock, stages)
    peer_figure = measured("start, JupyterHub as it comes", "s", stock)
    figures = [
        measured("start, click to page", "s", ours, peer="stock", peer_median=peer_figure.median),
        peer_figure,
        *(measured(f"  of it {name}", "s", [one.get(name, 0.0) for one in stages]) for name in stages[0]),
    ]
    keep("start", figures, runs={"sampan": ours, "stock": stock, "stages": stages})
    return figures


async def _turns(ours: list[float], stock: list[float], stages: list[dict[str, float]]) -> None:
    async with (
        whole_hub() as hub,
        stock_hub() as peer,
        Person(hub, "alice") as alice,
        Person(peer, "alice") as other,
    ):
        for _ in range(RUNS):
            clicked = time.time()
            ours.append(await _start(alice))
            stages.append(await _stages(hub, alice, clicked, clicked + ours[-1]))
            await alice.stop()
            await alice.at("ended")
            await came(lambda: _gone(alice))
            stock.append(await _start(other))
            await other.stop()
            await came(lambda: _gone(other))


async def _start(person: Person) -> float:
    """Seconds from the click to the first 200 of the server's own page, as a browser that follows redirects and progress."""
    began = time.perf_counter()
    page = await person.start(plan="light")
    if not page.url.path.startswith("/user/"):
        token = token_in(page.text)
        path = f"/hub/api/users/{person.name}/server/progress"
        async with person.client.stream("GET", path, params={"_xsrf": token}, headers=SAME_ORIGIN) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: ") and json.loads(line.removeprefix("data: ")).get("ready"):
                    break
        page = await person.client.get(f"{person.path()}lab")
    assert page.status_code == 200, page.status_code
    return time.perf_counter() - began


async def _gone(person: Person) -> bool:
    return not await person.server()


async def _stages(hub: WholeHub, person: Person, clicked: float, shown: float) -> dict[str, float]:
    """Seconds until each stage since the one before, from the broker's own transitions."""
    reached: dict[str, float] = {}
    for event in await _events(hub, person.name, (await person.launch())["id"]):
        reached.setdefault(event["stage"], event["at"])
    before, taken = clicked, {}
    for stage in STAGES:
        if stage in reached:
            taken[f"until {stage}"] = reached[stage] - before
            before = reached[stage]
    return {**taken, "until the page": shown - before}


async def _events(hub: WholeHub, user: str, launch: str) -> list[dict[str, Any]]:
    transport = httpx.AsyncHTTPTransport(uds=str(hub.state / "run" / "broker.sock"))
    headers = {"Authorization": f"Sampan {hub.secret('hub-broker')}", "X-Sampan-User": user}
    found = []
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://broker", headers=headers) as client,
        client.stream("GET", f"/services/sampan/api/launches/{launch}/events") as answer,
    ):
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
                if found[-1]["final"] is not None:
                    break
    return found
