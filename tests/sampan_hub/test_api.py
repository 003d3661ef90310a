"""The HTTP interface of a real broker: what every route answers, and to whom."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.sampan_hub.real_broker import RealBroker, real_broker
from tests.ways.whole_hub import came

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker() -> AsyncIterator[RealBroker]:
    async with real_broker() as made:
        yield made


async def test_a_cluster_belongs_to_what_runs(broker: RealBroker) -> None:
    answer = await broker.send("POST", "/launches", json={"kind": "cluster", "options": {}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "cluster.no_parent")


async def test_plans_centres_and_facts(broker: RealBroker) -> None:
    assert (await broker.ask("GET", "/"))["api"] == 1
    assert {plan["id"] for plan in await broker.ask("GET", "/plans")} >= {"light", "standard"}
    centres = await broker.ask("GET", "/centres")
    assert [centre["id"] for centre in centres] == ["east", "lake", "west"]
    for centre in centres:
        assert centre["state"] == "ok"
        assert 0 <= centre["age"] < 10
        assert centre["measured_at"] < centre["valid_until"] <= centre["measured_at"] + 10
        share = centre["shares"][0]
        assert share["cores_max"] == (8 if centre["id"] == "lake" else 4)
        assert (
            0
            <= share["cores_free"]
            <= share["cores_total"]
            == sum(node["cores_free"] * node["count"] for node in share["nodes"])
            or share["cores_free"] < share["cores_total"]
        )
    facts = await broker.ask("GET", "/centres/lake/facts")
    assert facts["scheduler"] == "process"
    assert facts["cores_max"] == 8
    openapi = await broker.send("GET", "/../openapi.json")
    assert openapi.json()["paths"]


async def test_a_place_in_words(broker: RealBroker) -> None:
    placed = await broker.ask("POST", "/place", json={"options": {"cores": ["6"], "memory": "1"}})
    assert [offer["centre"] for offer in placed["ranked"]] == ["lake"]
    assert {offer["centre"] for offer in placed["refused"]} == {"east", "west"}
    assert placed["query"].startswith("opt-v=1&opt-cores=6")
    impossible = await broker.send("POST", "/launches", json={"options": {"cores": 4000}})
    assert impossible.status_code == 422
    assert "4000" in impossible.json()["error"]["zh"]


async def test_strangers_learn_nothing(broker: RealBroker) -> None:
    launch = (await broker.create("owner"))["id"]
    unknown = await broker.send("GET", "/launches/nosuchlaunch", "stranger")
    for method, path in (
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/events"),
        ("GET", "/log"),
        ("GET", "/identity"),
    ):
        answer = await broker.send(method, f"/launches/{launch}{path}", "stranger")
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == unknown.json()["error"]["code"]
    put = await broker.send("PUT", f"/launches/{launch}/identity", "stranger", json={"env": {}})
    assert put.status_code == 404
    child = await broker.send(
        "POST", "/launches", "stranger", json={"options": {"cores": 1}, "parent": launch}
    )
    assert child.status_code == 404
    assert await broker.launches("stranger") == []
    assert (await broker.show(launch, "owner"))["target"] == "ready"
    await broker.ask("DELETE", f"/launches/{launch}", "owner")
    await broker.at(launch, "ended", user="owner")


async def test_an_identity_is_an_environment(broker: RealBroker) -> None:
    launch = (await broker.create("ivy"))["id"]
    path = f"/launches/{launch}/identity"
    for env in (
        {"A": "a\x00b"},
        {"A=B": "x"},
        {"": "x"},
        {"A B": "x"},
        {"A": 1},
        {"A": None},
        {"A": "x" * 40000},
    ):
        answer = await broker.send("PUT", path, "ivy", content=json.dumps({"env": env}))
        assert answer.status_code == 400
        assert answer.json()["field"].startswith("env"), answer.json()
    assert (await broker.show(launch, "ivy"))["needs_identity"] is True
    assert (await broker.send("PUT", path, "ivy", json={"env": {"A": "b"}})).status_code == 204
    assert (await broker.show(launch, "ivy"))["needs_identity"] is False
    await broker.ask("DELETE", f"/launches/{launch}", "ivy")
    ended = await broker.at(launch, "ended", user="ivy")
    assert ended["needs_identity"] is False
    assert (await broker.ask("GET", path, "ivy")) == {"api_token": None}


async def test_a_user_of_any_name(broker: RealBroker) -> None:
    from urllib.parse import quote

    from sampan.client import AsyncBroker

    async with AsyncBroker(
        socket=broker.state / "run" / "broker.sock", secret=broker.secret("hub-broker")
    ) as client:
        launch = await client.as_user("张三 %41;id").create("server", "", {"cores": "1"}, "/user/x/")
        assert launch["owner"] == "张三 %41;id"
        await client.as_user("张三 %41;id").stop(launch["id"])

    async def ended() -> bool:
        found = await broker.launches(quote("张三 %41;id"))
        return not found

    await came(ended)
