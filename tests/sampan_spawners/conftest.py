"""One hub for the whole folder: its tests use people of their own, and those that kill it start it again."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.sampan_spawners.live_hub import LiveHub, running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def live_hub() -> AsyncIterator[LiveHub]:
    # A unix socket's path is short: pytest's own folders may be too deep.
    with tempfile.TemporaryDirectory(prefix="hub", dir="/tmp") as folder:
        async with running(Path(folder)) as hub:
            yield hub


@pytest_asyncio.fixture(loop_scope="session")
async def hub(live_hub: LiveHub) -> AsyncIterator[LiveHub]:
    """The hub with its broker back to what it is by itself."""
    log = live_hub.state / "hub.log"
    said = log.stat().st_size
    yield live_hub
    # pytest shows it only where the test has failed.
    print(log.read_bytes()[said:].decode(errors="replace"))
    broker = live_hub.broker
    broker.away = False
    broker.refuse = None
    broker.deaf_to_identities = 0
    broker.on_create = lambda script: None
    broker.on_stop = lambda script: broker.end(script, "ended.stopped")
