"""How long awaited calls take, and how long a loop stands still: before a fault and while it lasts, in one run."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx

from sampan.errors import SampanError
from sampan_hub import files
from sampan_hub.centre import Centre
from sampan_hub.stalls import Stalls
from tests.ways.whole_hub import WholeHub

__all__ = ["broker_stalls", "codes", "crowd", "hub_stalled", "measured", "nearly_all"]


@asynccontextmanager
async def measured() -> AsyncIterator[Stalls]:
    stalls = Stalls()
    task = asyncio.create_task(stalls.run())
    try:
        yield stalls
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def nearly_all(call: Callable[[], Awaitable[object]], times: int = 20) -> float:
    """Seconds within which nine of ten of that many awaited calls came back; the others may be the machine's doing."""
    found = []
    for _ in range(times):
        began = time.monotonic()
        await call()
        found.append(time.monotonic() - began)
        await asyncio.sleep(0.05)
    return sorted(found)[times * 9 // 10 - 1]


async def crowd(centre: Centre, size: int, account: str) -> list[asyncio.Task[str | None]]:
    """So many people of whom something is asked there at once."""
    asks = (
        centre.ask(files.read(f"/no/such/{number}"), account=account, deadline=5.0) for number in range(size)
    )
    tasks = [asyncio.create_task(ask) for ask in asks]
    await asyncio.sleep(0.1)
    return tasks


async def codes(tasks: list[asyncio.Task[str | None]]) -> set[str]:
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    return {outcome.code if isinstance(outcome, SampanError) else "" for outcome in outcomes}


async def broker_stalls(hub: WholeHub) -> float:
    """Seconds of the longest stall of the broker's loop, as Prometheus is told."""
    port = json.loads((hub.state / "ports.json").read_text(encoding="utf-8"))["broker"]
    async with httpx.AsyncClient(timeout=20) as client:
        page = (await client.get(f"http://127.0.0.1:{port}/services/sampan/metrics")).text
    found = re.search(r"^sampan_loop_stall_longest_seconds (\S+)$", page, re.MULTILINE)
    assert found is not None, page[:2000]
    return float(found[1])


def hub_stalled(hub: WholeHub) -> bool:
    """Whether JupyterHub has seen its own loop stand still for a second. It counts the machine's other work, too."""
    return "event loop was unresponsive" in hub.log("hub").lower()
