from __future__ import annotations

import sys

import pytest

from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import parse_descriptor
from tests.sampan_hub.descriptions import HOST_KEY, far, here

ASKED = "method: command\n  command: [/bin/x]"
"""Whose account it is says a program."""

PYTHON = f"environment: {{python: {sys.executable}}}"
DISAGREEMENTS = [
    ("transport: local", "transport: local, host: a.example", "endpoint.host", "belongs to transport: ssh"),
    ("transport: local", f"transport: local, host_keys: [{HOST_KEY}]", "endpoint.host_keys", "belongs to"),
    (
        "transport: local",
        "transport: local, source_addresses: [192.0.2.1]",
        "endpoint.source_addresses",
        "belongs to",
    ),
    (
        "method: shared",
        "method: shared, certified: [a]",
        "accounts.certified",
        "belongs to method: command, transport: ssh",
    ),
    ("spool: /srv/a/spool, ", "", "scheduler.spool", "needed with kind: process"),
    (
        "memory_gib: 8",
        "memory_gib: 4",
        "shares.0.memory_per_core_gib",
        "at most 1 (scheduler.memory_gib / cores)",
    ),
    ("process, spool: /srv/a/spool, cores: 4", "process, spool: /s, cores: 3", "shares.0.cores", "at most 3"),
    ("  cores: 4\n", "  cores: 4\n  accelerators: {dcu: 1}\n", "shares.0.accelerators.dcu", "at most 0"),
    ("  cores: 4\n", "  cores: 4\n  demands: [[account, x]]\n", "shares.0.demands", "belongs to kind: slurm"),
    ("/home/{user}", "/home", "home", "{user} in it, since all share one account"),
    ("method: shared", "method: shared, command: [/bin/x]", "accounts.command", "belongs to method: command"),
    ("method: shared", "method: table", "accounts.table", "needed with method: table"),
    ("method: shared", "method: command", "accounts.command", "needed with method: command"),
    ("method: shared", "method: command, command: [id]", "accounts.command.0", "an absolute path"),
    (PYTHON, "environment: {}", "environment.python", "this key is required"),
    (PYTHON, PYTHON.replace("}", ", prefix: /p}"), "environment.prefix", "where environment.python is given"),
    (PYTHON, "environment: {prefix: /}", "environment.prefix", "an absolute path"),
]


@pytest.mark.parametrize("option", ["time", "wrap", "output", "array", "export", "partition"])
def test_no_queue_demands_what_a_job_is(option: str) -> None:
    result = parse_descriptor(far().replace("[account, climate]", f"[{option}, x]"), "core.yaml")
    assert not isinstance(result, Descriptor)
    said = {str(error.message.params["key"]): error.message.say("en") for error in result}
    assert "that Sampan does not set itself" in said["shares.1.demands.1.0"]


@pytest.mark.parametrize(("before", "after", "key", "expected"), DISAGREEMENTS)
def test_what_must_hold_between_values(before: str, after: str, key: str, expected: str) -> None:
    text = here("a", "/srv/a")
    assert before in text
    result = parse_descriptor(text.replace(before, after, 1), "a.yaml")
    assert not isinstance(result, Descriptor)
    said = {str(error.message.params["key"]): error.message.say("en") for error in result}
    assert expected in said[key]


FAR = 'method: table\n  table: {alice: hpc0042, Bob: hpc0043, "李雷": hpc0044}'
CERTIFIED = [
    (FAR, ASKED, "accounts.certified", "needed with method: command, transport: ssh"),
    (FAR, f"{ASKED}\n  certified: [a, b, a]", "accounts.certified.2", "belongs to accounts.certified.0"),
    (FAR, f"{ASKED}\n  certified: [sampan]", "accounts.certified.0", "belongs to endpoint.service_account"),
    (FAR, FAR + "\n  certified: [a]", "accounts.certified", "belongs to method: command, transport: ssh"),
    ("Bob: hpc0043", "Bob: sampan", "accounts.table.Bob", "belongs to endpoint.service_account"),
    ("hpc0044}", "hpc0042}", "accounts.table.李雷", "belongs to alice"),
]


@pytest.mark.parametrize(("before", "after", "key", "expected"), CERTIFIED)
def test_for_whom_certificates_may_be_signed(before: str, after: str, key: str, expected: str) -> None:
    text = far()
    assert before in text
    result = parse_descriptor(text.replace(before, after, 1), "a.yaml")
    assert not isinstance(result, Descriptor)
    [error] = result
    assert error.message.params["key"] == key
    assert expected in error.message.say("en")


def test_a_list_of_accounts_beside_a_command() -> None:
    text = far().replace(FAR, f"{ASKED}\n  certified: [hpc1, hpc2]")
    result = parse_descriptor(text, "a.yaml")
    assert isinstance(result, Descriptor), result
    assert result.accounts.certified == ("hpc1", "hpc2")


def test_two_keys_while_one_is_replaced() -> None:
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHDx0x8mOyF7mEYzVd7k9yJ9nQm0u3JcQ1xq5m7b3k2L"
    text = far().replace(f'["{HOST_KEY}"]', f'["{HOST_KEY}", "{other}"]')
    result = parse_descriptor(text, "a.yaml")
    assert isinstance(result, Descriptor)
    assert len(result.endpoint.host_keys) == 2
