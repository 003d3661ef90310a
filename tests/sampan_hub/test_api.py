"""The HTTP interface of a real broker: what every route refuses, and what it answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.sampan_hub.real_broker import API, RealBroker, real_broker
from tests.ways.whole_hub import came


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def module_broker() -> AsyncIterator[RealBroker]:
    async with real_broker() as made:
        yield made


@pytest.fixture
def broker(module_broker: RealBroker) -> RealBroker:
    return module_broker


pytestmark = pytest.mark.asyncio(loop_scope="module")
A_LAUNCH = "abcdefgh1234"
NASTY = [
    "1\n#SBATCH --account=root",
    "{{7*7}}",
    "%n",
    "a\x00b",
    "x" * 5000,
    "$(id)",
    "a\u2028b",
    "../x",
    "-1",
]
BODIES: list[tuple[Any, str]] = [
    (b"", "body"),
    (b"{", "body"),
    (b"\xff\xfe\x00", "body"),
    (b"[1]", "body"),
    (b'"text"', "body"),
    (b"[" * 100_000, "body"),
    (b'{"options": {"cores": ' + b"9" * 5000 + b"}}", "body"),
    (b'{"a": "' + b"x" * (1 << 20) + b'"}', "body"),
]


def _refused(answer: httpx.Response, field: str | None) -> None:
    assert answer.status_code == 400, (answer.status_code, answer.text[:300])
    told = answer.json()
    assert told["field"] == field, told
    assert told["retry"] is False
    assert told["error"]["en"]
    assert told["error"]["zh"]


@pytest.mark.parametrize("number", range(len(BODIES)))
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/place"), ("POST", "/launches"), ("PUT", f"/launches/{A_LAUNCH}/identity")],
)
async def test_a_body_that_cannot_be_read(broker: RealBroker, method: str, path: str, number: int) -> None:
    body, field = BODIES[number]
    answer = await broker.send(method, path, content=body)
    if path.startswith("/launches/") and answer.status_code == 404:
        return  # whose launch it is comes first
    _refused(answer, field)


async def test_a_megabyte_without_a_length(broker: RealBroker) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'{"options": {"plan": "'
        for _ in range(64):
            yield b"x" * 16384
        yield b'"}}'

    _refused(await broker.send("POST", "/place", content=body()), "body")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"options": []}, "options"),
        ({"options": None}, "options"),
        ({"options": "plan=light"}, "options"),
        ({"options": {str(number): 1 for number in range(100)}}, "options"),
        ({"surprise": 1}, "surprise"),
        ({"\ud800": 1}, None),
        ({"options": {"\ud800": 1}}, None),
        ({"kind": "shell"}, "kind"),
        ({"kind": 1}, "kind"),
        ({"kind": "kernel"}, "kind"),
        ({"kind": "cluster"}, "kind"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": 3}, "name"),
        ({"prefix": "user/alice/"}, "prefix"),
        ({"prefix": "/user/alice"}, "prefix"),
        ({"prefix": "/user/a b/"}, "prefix"),
        ({"prefix": "/a/ HTTP/1.1\r\nX: y/"}, "prefix"),
        ({"prefix": "/" + "x" * 2000 + "/"}, "prefix"),
        ({"parent": "../x"}, "parent"),
        ({"parent": "a\x00b"}, "parent"),
        ({"parent": 7}, "parent"),
        ({"options": {"cores": True}}, "cores"),
        ({"options": {"cores": None}}, "cores"),
        ({"options": {"cores": {"a": 1}}}, "cores"),
        ({"options": {"cores": ["1", "2"]}}, "cores"),
        ({"options": {"cores": 0}}, "cores"),
        ({"options": {"cores": "٣"}}, "cores"),
        ({"options": {"hours": 1e308}}, "hours"),
        ({"options": {"v": "2"}}, "v"),
        ({"options": {"plan": "huge"}}, "plan"),
        ({"options": {"account": "root"}}, "account"),
        ({"options": {"reservation": "r"}}, "reservation"),
        ({"options": {"#SBATCH": "--account=x"}}, "#SBATCH"),
    ],
)
async def test_a_body_with_something_wrong_in_it(
    broker: RealBroker, changes: dict[str, Any], field: str | None
) -> None:
    answer = await broker.send("POST", "/launches", content=json.dumps({"options": {}, **changes}))
    if field is None:
        field = answer.json()["field"]
    _refused(answer, field)
    assert await broker.launches("alice", ended=True) == []


@pytest.mark.parametrize("field", ["cores", "memory", "hours", "accelerator", "software", "centre", "data"])
@pytest.mark.parametrize("value", NASTY)
async def test_options_are_refused_by_schema(broker: RealBroker, field: str, value: str) -> None:
    for path in ("/place", "/launches"):
        answer = await broker.send("POST", path, json={"options": {field: value}})
        assert answer.status_code == 400, (path, answer.text[:300])
        assert answer.json()["field"] == field, answer.json()
        assert "\n" not in answer.json()["error"]["en"]


async def test_numbers_that_are_none(broker: RealBroker) -> None:
    for number in ("NaN", "Infinity", "-Infinity", "1e999"):
        body = f'{{"options": {{"cores": {number}}}}}'
        _refused(await broker.send("POST", "/place", content=body), "cores")


async def test_deep_options(broker: RealBroker) -> None:
    for depth in (50, 400, 700, 900, 950, 980):
        nested = '{"options": {"cores": ' + "[" * depth + "]" * depth + "}}"
        answer = await broker.send("POST", "/place", content=nested)
        assert answer.status_code == 400, (depth, answer.text[:200])


@pytest.mark.parametrize(
    ("kwargs", "field"),
    [
        ({"headers": {"Idempotency-Key": "x" * 129}}, "idempotency-key"),
        ({"headers": {"Idempotency-Key": ""}}, "idempotency-key"),
        ({"headers": {"Idempotency-Key": "a b"}}, "idempotency-key"),
    ],
)
async def test_headers(broker: RealBroker, kwargs: dict[str, Any], field: str) -> None:
    _refused(await broker.send("POST", "/launches", json={"options": {}}, **kwargs), field)


async def test_queries(broker: RealBroker) -> None:
    _refused(await broker.send("GET", "/launches", params={"all": "perhaps"}), "all")
    assert (await broker.send("GET", "/launches", params={"owner": "bob"})).status_code == 403
    assert (await broker.send("GET", "/launches", params={"owner": "*"})).status_code == 403
    assert (await broker.send("GET", "/problems")).status_code == 403


@pytest.mark.parametrize("launch", ["nosuchlaunch", "%00", "..%2f..", "x" * 3000, "a;id", "%ff", "A" * 12])
async def test_launches_that_do_not_exist(broker: RealBroker, launch: str) -> None:
    for method, path in (
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/events"),
        ("GET", "/log"),
        ("GET", "/identity"),
    ):
        answer = await broker.send(method, f"/launches/{launch}{path}")
        assert answer.status_code in (404, 405), (path, answer.text)
        assert set(answer.json()) == {"error", "retry", "field"}


async def test_routes_that_do_not_exist(broker: RealBroker) -> None:
    for method, path, status in (
        ("GET", "/nothing", 404),
        ("PATCH", "/launches", 405),
        ("GET", "/place", 405),
    ):
        answer = await broker.send(method, path)
        assert answer.status_code == status
        assert answer.json()["error"]["code"] == "request.route"
    assert (await broker.send("GET", "/centres/nowhere/facts")).status_code == 404
    assert (await broker.send("GET", "/centres/east/facts", params={"share": "none"})).status_code == 404


async def test_kinds_to_come_are_refused_in_words(broker: RealBroker) -> None:
    answer = await broker.send("POST", "/launches", json={"kind": "kernel", "options": {}})
    told = answer.json()
    assert told["error"]["code"] == "launch.kind"
    assert "kernel" in told["error"]["en"]


async def test_plans_centres_and_facts(broker: RealBroker) -> None:
    assert (await broker.ask("GET", "/"))["api"] == 1
    assert {plan["id"] for plan in await broker.ask("GET", "/plans")} >= {"light", "standard"}
    centres = await broker.ask("GET", "/centres")
    assert [centre["id"] for centre in centres] == ["east", "lake", "west"]
    for centre in centres:
        assert centre["state"] == "ok"
        assert 0 <= centre["age"] < 10
        share = centre["shares"][0]
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
    _refused(
        await broker.send("GET", f"/launches/{launch}/events", "eve", headers={"Last-Event-ID": "-1"}),
        "last-event-id",
    )


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
