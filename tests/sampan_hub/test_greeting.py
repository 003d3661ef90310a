"""Who answers has to be whom we called."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sampan.errors import Refused
from sampan_hub.greeting import parse_greeting
from sampan_hub.report import Report

pytestmark = pytest.mark.fast

TAG = "sampan-demo-abcd1234-1"
REPORT = Report(1, 40000, "n1", 77, "ssh-ed25519 A")
GOOD: dict[str, Any] = {
    "protocol": 1,
    "speaks": [1],
    "tag": TAG,
    "node": "n1",
    "pid": 77,
    "version": "0.1.0",
    "sockets": "/tmp/sampan-a_b1",
    "deadline": 1800000000.5,
    "child": None,
}


def parse(**changed: Any) -> Any:
    return parse_greeting(json.dumps({"hello": GOOD | changed}).encode(), tag=TAG, report=REPORT)


def test_reads_a_greeting() -> None:
    greeting = parse()
    assert (greeting.tag, greeting.node, greeting.pid) == (TAG, "n1", 77)
    assert (greeting.protocol, greeting.sockets, greeting.deadline) == (1, "/tmp/sampan-a_b1", 1800000000.5)


def test_a_newer_launcher_that_still_speaks_ours_is_kept() -> None:
    assert parse(protocol=3, speaks=[3, 2], more={"x": 1}).protocol == 2


def test_the_last_version_is_kept() -> None:
    """FAULTS 25: what a launcher said before kernels were launches."""
    assert parse(protocol=1, speaks=[1]).protocol == 1
    assert parse(protocol=2, speaks=[2, 1]).protocol == 2


@pytest.mark.parametrize("speaks", [[], [3], [0], list(range(5, 500))])
def test_no_common_version_is_said(speaks: list[int]) -> None:
    with pytest.raises(Refused) as caught:
        parse(speaks=speaks)
    assert caught.value.code == "link.protocol"
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("speaks", "1"),
        ("speaks", [True]),
        ("speaks", None),
        ("tag", "sampan-demo-abcd1234-2"),
        ("tag", None),
        ("node", "n2"),
        ("pid", 78),
        ("version", "0\n"),
        ("version", "x" * 65),
        ("sockets", "/run"),
        ("sockets", "/tmp/sampan-a/../../run"),
        ("sockets", "/tmp/sampan-a\n"),
        ("sockets", 1),
        ("deadline", -1),
        ("deadline", "soon"),
        ("deadline", True),
        ("deadline", float("nan")),
        ("deadline", float("inf")),
    ],
)
def test_refuses_a_field_that_is_not_right(field: str, value: Any) -> None:
    with pytest.raises(Refused) as caught:
        parse(**{field: value})
    assert (caught.value.code, caught.value.message.params["field"]) == ("link.greeting", field)


@pytest.mark.parametrize(
    "line", [b"", b"SSH-2.0-OpenSSH\n", b"[]", b'{"hello": 1}', b'{"hi": {}}', b"[" * 100_000]
)
def test_refuses_what_is_no_greeting(line: bytes) -> None:
    with pytest.raises(Refused):
        parse_greeting(line, tag=TAG, report=REPORT)
