from __future__ import annotations

import json

import asyncssh
import pytest

from sampan.errors import Forbidden, Invalid, SampanError, Unavailable
from sampan_hub.certificates import (
    BACKDATED,
    Purpose,
    Request,
    Signed,
    certified,
    error_line,
    order,
)
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import parse_descriptor
from tests.sampan_hub.descriptions import far, here

pytestmark = pytest.mark.fast

KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key("openssh").decode().strip()


def described(text: str) -> Descriptor:
    found = parse_descriptor(text, "core.yaml")
    assert isinstance(found, Descriptor), found
    return found


def test_who_may_be_signed_for() -> None:
    assert certified(described(far())) == {
        "hpc0042": Purpose.PERSON,
        "hpc0043": Purpose.PERSON,
        "hpc0044": Purpose.PERSON,
        "sampan": Purpose.SERVICE,
    }
    asked = far().replace(
        'method: table\n  table: {alice: hpc0042, Bob: hpc0043, "李雷": hpc0044}',
        "method: command\n  command: [/bin/x]\n  certified: [hpc1]",
    )
    assert certified(described(asked)) == {"hpc1": Purpose.PERSON, "sampan": Purpose.SERVICE}
    assert certified(described(here("a", "/srv/a"))) == {}, "nobody signs for this machine"


def test_accounts_of_the_system_are_looked_at_again() -> None:
    """A descriptor that somehow lists one signs for it no more than for anybody."""
    centre = described(far())
    accounts = centre.accounts.model_copy(update={"table": {"eve": "root", "bob": "slurm", "al": "hpc1"}})
    assert set(certified(centre.model_copy(update={"accounts": accounts}))) == {"hpc1", "sampan"}


def test_what_a_person_gets() -> None:
    made = order(described(far()), "hpc0042", hub="test1", now=1_000_000.7, minutes=5)
    assert made.principal == "sampan:hpc0042"
    assert made.key_id == "sampan:test1:core:hpc0042:person"
    assert made.source_addresses == ("192.0.2.0/28", "2001:db8::7")
    assert (made.valid_after, made.valid_before) == (1_000_000 - BACKDATED, 1_000_300)
    assert not made.forwards
    assert order(described(far()), "sampan", hub="test1", now=0, minutes=1).forwards


@pytest.mark.parametrize("account", ["root", "hpc0045", "alice", "munge", "", "sampan-svc", "HPC0042"])
def test_what_is_not_listed_is_not_signed_for(account: str) -> None:
    with pytest.raises(Forbidden) as caught:
        order(described(far()), account, hub="test1", now=0, minutes=5)
    assert caught.value.code == "signer.account"


def test_nothing_is_signed_that_is_good_from_anywhere() -> None:
    centre = described(far())
    endpoint = centre.endpoint.model_copy(update={"source_addresses": ()})
    with pytest.raises(Forbidden):
        order(centre.model_copy(update={"endpoint": endpoint}), "hpc0042", hub="test1", now=0, minutes=5)


def test_a_request_comes_back_as_it_was() -> None:
    request = Request("core", "hpc0042", KEY)
    assert Request.from_line(request.to_line()) == request


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"centre": "../core"}, "centre"),
        ({"centre": "core\n"}, "centre"),
        ({"centre": 5}, "centre"),
        ({"account": "a b"}, "account"),
        ({"account": "root;id"}, "account"),
        ({"account": ["hpc0042"]}, "account"),
        ({"account": ""}, "account"),
        ({"key": KEY + " comment"}, "key"),
        ({"key": KEY + "\n"}, "key"),
        ({"key": KEY.replace("ssh-ed25519", "ssh-rsa")}, "key"),
        ({"key": None}, "key"),
        ({"principal": "root"}, "(line)"),
        ({"minutes": 600}, "(line)"),
    ],
)
def test_what_is_no_request(change: dict[str, object], field: str) -> None:
    said = {"centre": "core", "account": "hpc0042", "key": KEY} | change
    with pytest.raises(Invalid) as caught:
        Request.from_line(json.dumps(said).encode())
    assert caught.value.message.params["field"] == field


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"[]", b"{}", b"5", b"\xff", b"{" * 5000, b'{"centre": "core"}']
)
def test_what_is_no_object(line: bytes) -> None:
    with pytest.raises(Invalid):
        Request.from_line(line)


@pytest.mark.parametrize(
    "error",
    [
        Forbidden("signer.account", account="a", centre="core"),
        Unavailable("signer.busy"),
        Invalid("signer.request", field="key"),
    ],
)
def test_errors_cross_the_socket_as_they_are(error: SampanError) -> None:
    with pytest.raises(type(error)) as caught:
        Signed.from_line(error_line(error))
    assert caught.value.message == error.message


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b"",
        b'{"certificate": "ssh-ed25519 AAAA", "valid_before": 5}',
        b'{"certificate": 5, "valid_before": 5}',
        b'{"error": {"code": "x"}, "kind": "exit"}',
        b'{"error": "no", "kind": "forbidden"}',
    ],
)
def test_what_is_no_answer(line: bytes) -> None:
    with pytest.raises(Unavailable) as caught:
        Signed.from_line(line)
    assert caught.value.code == "signer.away"
