"""The stream of what happens to a launch, from a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sampan.need import Need
from sampan.stages import Kind
from sampan_hub import events as module
from sampan_hub.store import Store
from tests.sampan_hub.real_broker import RealBroker, real_broker

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker() -> AsyncIterator[RealBroker]:
    async with real_broker() as made:
        yield made


async def test_events_are_replayed_resumed_and_end(broker: RealBroker) -> None:
    launch = (await broker.create("eve"))["id"]
    following = asyncio.create_task(broker.follow(launch, "eve"))
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
    assert await broker.follow(launch, "eve") == live
    assert await broker.follow(launch, "eve", live[1]["id"]) == live[2:]
    assert await broker.follow(launch, "eve", live[-1]["id"]) == [], (
        "who has heard it all is not kept waiting"
    )
    # A number of another database, lost since: whoever comes with it has heard nothing of this one.
    assert await broker.follow(launch, "eve", "999999999999999999") == live
    wrong = await broker.send("GET", f"/launches/{launch}/events", "eve", headers={"Last-Event-ID": "-1"})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "last-event-id")


async def test_a_stream_ends_with_the_proof_that_opened_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEEPALIVE", 0.01)
    store = await Store.open(f"sqlite:///{tmp_path / 'broker.sqlite'}")
    try:
        launch, _ = await store.create_launch("eve", Kind.SERVER, "", Need(), {}, "/")
        answers = iter((True, True, False))

        async def still() -> bool:
            return next(answers)

        async with asyncio.timeout(10):
            told = [part async for part in module.events(store, launch.id, 0, still)]
    finally:
        await store.close()
    assert ["launch.accepted" in part for part in told] == [True, False, False, False]
