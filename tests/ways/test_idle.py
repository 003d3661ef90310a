"""Idle servers are ended, by what is done in them: a silent computation is not idle, an open page is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest_asyncio

from tests.ways.person import Person
from tests.ways.whole_hub import WholeHub, came, whole_hub

IDLE = 25


@pytest_asyncio.fixture
async def hub(kind: str) -> AsyncIterator[WholeHub]:
    environment = {"SAMPAN_IDLE_AFTER": str(IDLE), "SAMPAN_LOG_FORMAT": "json"}
    async with whole_hub(kind, environment=environment) as running:
        yield running


async def test_who_computes_stays_and_who_left_a_page_open_is_ended_with_a_warning(hub: WholeHub) -> None:
    """It takes as long as somebody must be idle, which must be longer than two servers take to start on a busy machine."""
    async with Person(hub, "ann") as ann, Person(hub, "ben") as ben:
        for person in (ann, ben):
            await person.start(plan="light")
        for person in (ann, ben):
            await person.ready()
        computing = await ann.kernel()
        silent = asyncio.create_task(computing.run("import time; time.sleep(3600)"))
        left_open = await ben.kernel()
        assert (await left_open.run("print(6 * 7)")).strip() == "42"
        looking = asyncio.create_task(_look(ben))

        async def warned() -> bool:
            at = (await ben.launch())["cull_at"]
            return at is not None

        await came(warned, 40)
        ended = await ben.at("ended")
        assert ended["cause"]["code"] == "ended.idle"
        assert hub.live_jobs(ended["centre"]) == [] or ended["centre"] == (await ann.launch())["centre"]
        stays = await ann.launch()
        assert stays["stage"] == "ready"
        assert stays["cull_at"] is not None
        assert stays["cull_at"] > ended["ended_at"]
        _logs_name_the_launch(hub, ended["id"])
        for task in (looking, silent):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def _logs_name_the_launch(hub: WholeHub, launch: str) -> None:
    """Logs for programs: every line an object, and every one that concerns a launch names it."""
    found = 0
    for part in ("broker", "hub", "signer", "culler"):
        lines = [json.loads(line) for line in hub.log(part).splitlines()]
        assert all("at" in line for line in lines), part
        told = [line for line in lines if launch in line.get("message", "")]
        assert [line for line in told if line.get("launch") != launch] == []
        found += sum(line.get("launch") == launch for line in lines)
    assert found


async def _look(person: Person) -> None:
    """As a Lab does that nobody looks at: it asks for its kernels and its sessions, for ever."""
    while True:
        for path in ("api/kernels", "api/sessions", "api/contents"):
            await person.client.get(person.path() + path)
        await asyncio.sleep(1)
