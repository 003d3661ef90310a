"""The stream of what happens to a launch, from a real broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.sampan_hub.real_broker import API, RealBroker, real_broker

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker() -> AsyncIterator[RealBroker]:
    async with real_broker() as made:
        yield made


async def _events(broker: RealBroker, launch: str, user: str, after: str = "") -> list[dict[str, Any]]:
    """The whole stream, until it ends by itself."""
    transport = httpx.AsyncHTTPTransport(uds=str(broker.state / "run" / "broker.sock"))
    headers = {"Authorization": f"Sampan {broker.secret('hub-broker')}", "X-Sampan-User": user}
    if after:
        headers["Last-Event-ID"] = after
    found: list[dict[str, Any]] = []
    async with (
        asyncio.timeout(30),
        httpx.AsyncClient(transport=transport, base_url="http://broker") as client,
        client.stream("GET", f"{API}/launches/{launch}/events", headers=headers) as stream,
    ):
        assert stream.headers["content-type"].startswith("text/event-stream")
        number = ""
        async for line in stream.aiter_lines():
            if line.startswith("id: "):
                number = line[4:]
            elif line.startswith("data: "):
                found.append({"id": number, **json.loads(line[6:])})
    return found


async def test_events_are_replayed_resumed_and_end(broker: RealBroker) -> None:
    launch = (await broker.create("eve"))["id"]
    following = asyncio.create_task(_events(broker, launch, "eve"))
    await broker.at(launch, "running", "reachable", user="eve")
    await broker.ask("DELETE", f"/launches/{launch}", "eve")
    live = await following
    progress = [event["progress"] for event in live]
    assert progress == sorted(progress)
    assert live[0]["message"]["code"] == "launch.accepted"
    assert [event["final"] for event in live if event["final"]] == ["ended"]
    assert live[-1]["final"] == "ended"
    numbers = [int(event["id"]) for event in live]
    assert numbers == sorted(set(numbers))
    assert await _events(broker, launch, "eve") == live
    assert await _events(broker, launch, "eve", live[1]["id"]) == live[2:]
    assert await _events(broker, launch, "eve", live[-1]["id"]) == [], (
        "who has heard it all is not kept waiting"
    )
    assert await _events(broker, launch, "eve", "999999999999999999") == []
    wrong = await broker.send("GET", f"/launches/{launch}/events", "eve", headers={"Last-Event-ID": "-1"})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "last-event-id")
