"""How long awaited calls take, and how long a loop stands still: before a fault and while it lasts, in one run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sampan.errors import SampanError
from sampan_hub import files
from sampan_hub.centre import Centre
from sampan_hub.stalls import Stalls

__all__ = ["codes", "crowd", "longest", "measured"]


@asynccontextmanager
async def measured() -> AsyncIterator[Stalls]:
    stalls = Stalls()
    task = asyncio.create_task(stalls.run())
    try:
        yield stalls
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def longest(call: Callable[[], Awaitable[object]], times: int = 20) -> float:
    """Seconds of the longest of that many awaited calls."""
    found = []
    for _ in range(times):
        began = time.monotonic()
        await call()
        found.append(time.monotonic() - began)
        await asyncio.sleep(0.05)
    return max(found)


async def crowd(centre: Centre, size: int, account: str) -> list[asyncio.Task[str | None]]:
    """So many people of whom something is asked there at once."""
    asks = (centre.ask(files.read(f"/no/such/{number}"), account=account) for number in range(size))
    tasks = [asyncio.create_task(ask) for ask in asks]
    await asyncio.sleep(0.1)
    return tasks


async def codes(tasks: list[asyncio.Task[str | None]]) -> set[str]:
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    return {outcome.code if isinstance(outcome, SampanError) else "" for outcome in outcomes}
