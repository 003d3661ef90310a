"""Waiting for something to become true, never for a time to pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

__all__ = ["until", "wait_until"]


async def until(condition: Callable[[], object], deadline: float = 60.0) -> None:
    """Returns as soon as `condition` holds; fails after `deadline` seconds. For tests with an event loop."""
    async with asyncio.timeout(deadline):
        while not condition():  # noqa: ASYNC110 (most of what we wait for is another process)
            await asyncio.sleep(0.01)


def wait_until(condition: Callable[[], object], deadline: float = 60.0) -> None:
    """The same for tests without one."""
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, f"not true within {deadline} s"
        time.sleep(0.01)
