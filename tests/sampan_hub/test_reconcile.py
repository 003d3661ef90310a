"""One launch from the request to a server that answers, and over a kill of the broker, with a real JupyterHub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from tests.sampan_hub.real_broker import RealBroker, real_broker
from tests.small_hub import TOKEN, SmallHub, small_hub
from tests.ways.whole_hub import came


async def _answers(door: str) -> bool:
    async with httpx.AsyncClient(timeout=5) as client:
        answer = await client.get(f"{door}/user/alice/api")
    return answer.status_code == 200 and "version" in answer.json()


async def _start(broker: RealBroker, hub: SmallHub) -> dict[str, Any]:
    made = await broker.create("alice", cores=1, memory=1)
    assert made["needs_identity"] is True
    env = dict(hub.environment("alice"))
    told = await broker.send("PUT", f"/launches/{made['id']}/identity", "alice", json={"env": env})
    assert told.status_code == 204
    return await broker.at(made["id"], "ready", user="alice", deadline=60)


async def test_from_the_request_to_ready_over_a_kill_to_the_end(tmp_path: Path) -> None:
    async with (
        small_hub(tmp_path) as hub,
        real_broker(lambda broker: broker.only("east"), f"http://127.0.0.1:{hub.port}/hub/api") as broker,
    ):
        ready = await _start(broker, hub)
        assert ready["progress"] == 100
        await came(lambda: _answers(ready["door"]))
        path = f"/launches/{ready['id']}"
        assert (await broker.ask("GET", f"{path}/identity", "alice")) == {"api_token": TOKEN}
        await broker.again()

        async def back() -> bool:
            found = await broker.show(ready["id"])
            return bool(found["door"] == ready["door"] and await _answers(found["door"]))

        await came(back)
        shown = await broker.show(ready["id"])
        assert (shown["stage"], shown["job"], shown["needs_identity"]) == ("ready", ready["job"], False)
        assert (await broker.ask("GET", f"{path}/identity", "alice")) == {"api_token": TOKEN}
        await broker.ask("DELETE", path, "alice")
        ended = await broker.at(ready["id"], "ended")
        assert ended["cause"]["code"] == "ended.stopped"
        assert broker.live_jobs("east") == []
        events = await broker.follow(ready["id"], "alice")
        assert [event["final"] for event in events if event["final"]] == ["ready", "ended"]
        codes = [event["message"]["code"] for event in events]
        assert codes.count("launch.ready") == 1
        progress = [event["progress"] for event in events]
        assert progress == sorted(progress)
