"""What the HTTP interface refuses: always 400 with the field, never 500."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.sampan_hub.real_broker import RealBroker, real_broker

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker() -> AsyncIterator[RealBroker]:
    async with real_broker() as made:
        yield made


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
