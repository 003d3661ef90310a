"""What a job may say of itself, and all that it may not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sampan.errors import Refused
from sampan_hub.report import LARGEST, Report, parse_report

pytestmark = pytest.mark.fast

NONCE = "0123456789abcdef"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILLfWe3dpxM2JiFXp8E4pFrXGj7Mm4GbLi+DtIGP0L5X"
GOOD: dict[str, Any] = {
    "protocol": 1,
    "nonce": NONCE,
    "port": 42063,
    "node": "east-n1.example",
    "pid": 29067,
    "host_key": HOST_KEY,
}


def refused(data: bytes | str) -> str:
    """The field that the refusal names."""
    with pytest.raises(Refused) as caught:
        parse_report(data, NONCE)
    assert caught.value.code == "link.report"
    return str(caught.value.message.params["field"])


def test_reads_a_report() -> None:
    report = parse_report(json.dumps(GOOD), NONCE)
    assert report == Report(1, 42063, "east-n1.example", 29067, HOST_KEY)
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("protocol", 0),
        ("protocol", 3),
        ("protocol", "1"),
        ("protocol", True),
        ("nonce", "0123456789abcdee"),
        ("nonce", ""),
        ("nonce", None),
        ("nonce", NONCE + "\n"),
        ("port", 0),
        ("port", 22),
        ("port", 65536),
        ("port", 42063.0),
        ("port", "42063"),
        ("port", -1),
        ("node", ""),
        ("node", "-oProxyCommand=id"),
        ("node", "n1;id"),
        ("node", "n1\n"),
        ("node", "n" * 254),
        ("node", "节点"),
        ("node", ["n1"]),
        ("pid", 1),
        ("pid", 2**40),
        ("pid", False),
        ("host_key", "ssh-rsa AAAA"),
        ("host_key", HOST_KEY + " comment"),
        ("host_key", HOST_KEY + "\n" + HOST_KEY),
        ("host_key", 7),
    ],
)
def test_refuses_a_field_that_is_not_of_its_shape(field: str, value: object) -> None:
    assert refused(json.dumps(GOOD | {field: value})) == field


def test_refuses_other_fields_fewer_and_twice() -> None:
    assert refused(json.dumps(GOOD | {"spawner.cmd": "id"})) == "fields"
    assert refused(json.dumps({key: value for key, value in GOOD.items() if key != "pid"})) == "fields"
    assert refused(json.dumps(GOOD)[:-1] + ', "port": 42064}') == "json"


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"7", b"\xff\xfe", b"[" * 4000, "\udc80", b'{"port": NaN}', b"null"]
)
def test_refuses_what_is_no_report(data: bytes | str) -> None:
    assert refused(data) in ("json", "fields")


def test_refuses_the_large() -> None:
    assert refused(json.dumps(GOOD) + " " * LARGEST) == "size"
    assert refused("x" * 1_000_000) == "size"


def test_is_on_a_node_of_its_job() -> None:
    report = parse_report(json.dumps(GOOD), NONCE)
    assert report.is_on(["east-n1"])
    assert report.is_on(["east-n2", "east-n1.other.example"])
    assert not report.is_on(["east-n10"])
    assert not report.is_on([])
