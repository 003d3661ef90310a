"""Asking for launches: twice is once, and a stop is confirmed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.sampan_hub.real_broker import RealBroker, real_broker

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker() -> AsyncIterator[RealBroker]:
    async with real_broker() as made:
        yield made


async def test_ten_at_once_are_one(broker: RealBroker) -> None:
    body = {"options": {"cores": 1, "memory": 0.25}, "prefix": "/user/ten/"}
    answers = await asyncio.gather(*(broker.send("POST", "/launches", "ten", json=body) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    (launch,) = {answer.json()["id"] for answer in answers}
    assert len({answer.json()["door"] for answer in answers}) == 1
    await broker.at(launch, "running", "reachable", user="ten")
    tags = [job["tag"] for name in broker.centres for job in broker.live_jobs(name) if launch in job["tag"]]
    assert tags == [f"sampan-test1-{launch}-1"]
    await broker.ask("DELETE", f"/launches/{launch}", "ten")
    await broker.at(launch, "ended", user="ten")


async def test_an_idempotency_key_outlives_its_launch(broker: RealBroker) -> None:
    body = {"options": {"cores": 1, "memory": 0.25}, "prefix": "/user/ida/"}
    key = {"Idempotency-Key": "once-and-for-all"}
    first = await broker.send("POST", "/launches", "ida", json=body, headers=key)
    assert first.status_code == 201
    launch = first.json()["id"]
    await broker.ask("DELETE", f"/launches/{launch}", "ida")
    await broker.at(launch, "ended", user="ida")
    second = await broker.send("POST", "/launches", "ida", json=body, headers=key)
    assert (second.status_code, second.json()["id"]) == (200, launch)
    other = await broker.send("POST", "/launches", "ivo", json=body, headers=key)
    assert other.status_code == 201, "a key is its owner's"
    await broker.ask("DELETE", f"/launches/{other.json()['id']}", "ivo")
    await broker.at(other.json()["id"], "ended", user="ivo")


async def test_stop_while_running_is_confirmed_at_the_scheduler(broker: RealBroker) -> None:
    launch = (await broker.create("sam"))["id"]
    shown = await broker.at(launch, "running", "reachable", user="sam")
    assert (await broker.ask("DELETE", f"/launches/{launch}", "sam"))["target"] == "stopped"
    ended = await broker.at(launch, "ended", user="sam")
    assert ended["cause"]["code"] == "ended.stopped"
    (job,) = [job for job in broker.jobs(shown["centre"]) if job["id"] == shown["job"]]
    assert job["state"] == "ended"
    again = await broker.send("DELETE", f"/launches/{launch}", "sam")
    assert again.status_code == 202
