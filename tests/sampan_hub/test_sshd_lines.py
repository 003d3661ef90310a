"""What `sampan ca show` tells a centre to install, as text. What it does there: `test_behind_the_gate.py`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sampan_hub.authority import Key, State
from sampan_hub.certificates import Purpose
from sampan_hub.sshd_lines import CONFIG, FOLDER, GATE, sshd_files

pytestmark = pytest.mark.fast


def test_one_file_of_each_kind_is_shown() -> None:
    state = State("test1", (Key(1, "ssh-ed25519 AAAA", 0, revoked=True), Key(2, "ssh-ed25519 BBBB", 0)), 2)
    told = sshd_files("core", state, {"a": Purpose.PERSON, "b": Purpose.PERSON, "s": Purpose.SERVICE})
    assert told.keys() == {
        f"{FOLDER}/ca.pub",
        CONFIG,
        f"{FOLDER}/principals/a",
        f"{FOLDER}/principals/s",
    }
    assert told[f"{FOLDER}/ca.pub"] == "ssh-ed25519 BBBB sampan:test1:core:2\n"
    assert told[f"{FOLDER}/principals/a"] == f'restrict,command="{GATE}" sampan:a\n'
    for_all, of_service = told[CONFIG].split("Match User s\n")
    assert {line.split()[0] for line in for_all.splitlines()} == {
        "TrustedUserCAKeys",
        "AuthorizedPrincipalsFile",
        "RevokedKeys",
    }
    assert of_service.endswith("\nMatch all\n")


def test_the_how_to_shows_these_very_files() -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/join-by-ssh.md").read_text(encoding="utf-8")
    told = sshd_files(
        "east",
        State("prod", (Key(1, "ssh-ed25519 AAAA…", 0),), 1),
        {"sampan-svc": Purpose.SERVICE, "e_alice": Purpose.PERSON},
    )
    shown = "\n\n".join(f"# {path}\n{text.rstrip()}" for path, text in told.items())
    assert f"```\n{shown}\n```" in re.sub(r"^   ", "", page, flags=re.MULTILINE)
