"""One press on Start, timed as a browser lives through it, and what became of the time."""

from __future__ import annotations

import json
import time
from typing import Any, Final

import httpx

from tests.ways.person import SAME_ORIGIN, Person
from tests.ways.whole_hub import WholeHub, token_in

__all__ = ["click", "gone", "stages_of"]

STAGES: Final = ("placed", "submitted", "queued", "running", "reachable", "ready")


async def click(person: Person, **options: str) -> float:
    """Seconds from the click to the first 200 of the server's own page, as a browser that follows redirects and progress."""
    began = time.perf_counter()
    page = await person.start(**{"plan": "light", **options})
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


async def gone(person: Person) -> bool:
    return not await person.server()


async def stages_of(hub: WholeHub, person: Person, clicked: float, shown: float) -> dict[str, float]:
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
