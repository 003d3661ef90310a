"""What a door says by itself."""

from __future__ import annotations

import json

import pytest

from sampan.messages import Message
from sampan_hub.door_answer import door_answer

pytestmark = pytest.mark.fast

QUEUED = Message("launch.queued", {"centre": "<b>Alpha</b>", "place": 3})


def parts(answer: bytes) -> tuple[str, dict[str, str], str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert int(headers["content-length"]) in (len(body), len(body) or int(headers["content-length"]))
    return status, headers, body.decode()


def request(line: str, *headers: str) -> bytes:
    return "\r\n".join((line, "Host: x", *headers)).encode()


def test_a_page_in_both_languages_that_looks_again() -> None:
    status, headers, body = parts(
        door_answer(request("GET /user/a/lab HTTP/1.1", "Accept: text/html,*/*"), QUEUED, 30)
    )
    assert status == "HTTP/1.1 424 Failed Dependency"
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert (headers["cache-control"], headers["connection"], headers["retry-after"]) == (
        "no-store",
        "close",
        "3",
    )
    assert "set-cookie" not in headers
    assert '<meta http-equiv="refresh" content="3">' in body
    assert 'lang="zh"' in body
    assert "place 3" in body
    assert "第 3 位" in body
    assert 'value="30"' in body


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("launch.unreachable", "cannot be reached just now"),
        ("launch.unknown", "cannot be reached just now"),
        ("launch.cut", "cannot be reached just now"),
        ("launch.stopping_unconfirmed", "is stopping"),
        ("launch.stopped", "has ended"),
        ("ended.time", "has ended"),
    ],
)
def test_what_is_not_on_its_way_is_not_said_to_be(code: str, title: str) -> None:
    message = Message(code, {"centre": "East", "since": "2025-11-25 04:40 UTC"})
    head = request("GET /user/a/lab HTTP/1.1", "Accept: text/html")
    body = parts(door_answer(head, message, 100, 'https://hub.example/"home'))[2]
    assert f"Your notebook {title}" in body
    assert "on its way" not in body
    assert "<progress" not in body
    assert 'href="https://hub.example/&quot;home"' in body


def test_escapes_everything() -> None:
    hostile = Message("launch.failed", {"why": "<script>alert(1)</script>&\"'"})
    _, headers, body = parts(door_answer(request("GET /<script> HTTP/1.1"), hostile, 0))
    assert "<script" not in body
    assert "default-src 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize(
    "head",
    [
        request("GET /user/a/api/kernels HTTP/1.1", "Accept: text/html"),
        request("GET /user/a/lab/api/settings?x=1 HTTP/1.1", "Accept: */*"),
        request("POST /user/a/x HTTP/1.1", "Accept: application/json, */*"),
        request("GET /user/a/terminals/websocket/1 HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade"),
        request("GET /x HTTP/1.1", "UPGRADE: WebSocket"),
    ],
)
def test_json_for_programs(head: bytes) -> None:
    status, headers, body = parts(door_answer(head, QUEUED, 30))
    assert status.startswith("HTTP/1.1 424 ")
    assert headers["content-type"] == "application/json"
    told = json.loads(body)
    assert told["message"] == QUEUED.say("en")
    assert told["error"]["code"] == "launch.queued"
    assert told["error"]["zh"] == QUEUED.say("zh")


def test_a_head_request_gets_no_body() -> None:
    _, headers, body = parts(door_answer(request("HEAD /user/a/lab HTTP/1.1"), QUEUED, 30))
    assert body == ""
    assert int(headers["content-length"]) > 100


@pytest.mark.parametrize(
    "head", [b"", b"\r\n", b"\xff\xfe\x00", b"GET", b"GET /?/api/ HTTP/1.1", b"x" * 20000]
)
def test_an_answer_to_whatever_comes(head: bytes) -> None:
    status, headers, _ = parts(door_answer(head, QUEUED, 1000))
    assert status.startswith("HTTP/1.1 424 ")
    assert headers["content-type"].startswith("text/html")
