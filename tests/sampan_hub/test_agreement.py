from __future__ import annotations

import pytest

from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import parse_descriptor
from tests.sampan_hub.descriptions import HOST_KEY, far, here

DISAGREEMENTS = [
    ("transport: local", "transport: local, host: a.example", "endpoint.host", "belongs to transport: ssh"),
    ("transport: local", f"transport: local, host_keys: [{HOST_KEY}]", "endpoint.host_keys", "belongs to"),
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
]


@pytest.mark.parametrize(("before", "after", "key", "expected"), DISAGREEMENTS)
def test_what_must_hold_between_values(before: str, after: str, key: str, expected: str) -> None:
    text = here("a", "/srv/a")
    assert before in text
    result = parse_descriptor(text.replace(before, after, 1), "a.yaml")
    assert not isinstance(result, Descriptor)
    said = {str(error.message.params["key"]): error.message.say("en") for error in result}
    assert expected in said[key]


def test_two_keys_while_one_is_replaced() -> None:
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHDx0x8mOyF7mEYzVd7k9yJ9nQm0u3JcQ1xq5m7b3k2L"
    text = far().replace(f'["{HOST_KEY}"]', f'["{HOST_KEY}", "{other}"]')
    result = parse_descriptor(text, "a.yaml")
    assert isinstance(result, Descriptor)
    assert len(result.endpoint.host_keys) == 2
