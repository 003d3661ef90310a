"""A restore changes nothing while the hub runs, or unless all of the backup is good."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sampan.errors import Conflict, Invalid, SampanError
from sampan_hub.backup import MANIFEST, open_backup
from sampan_hub.backup_command import backup, restore
from sampan_hub.state_directory import StateDirectory
from tests.sampan_hub.a_state import a_state, run


@pytest.fixture
async def state(tmp_path: Path) -> StateDirectory:
    return await a_state(tmp_path / "state")


@pytest.mark.parametrize("part", ["up", "broker", "hub", "signer", "proxy"])
def test_a_hub_that_runs(state: StateDirectory, tmp_path: Path, part: str) -> None:
    run(backup, state, tmp_path / "hub.backup")
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom sampan_hub.process_lock import hold\n"
        f"hold(Path({str(state.lock(part))!r}))\nprint('held', flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(Conflict) as caught:
            run(restore, state, tmp_path / "hub.backup")
        assert caught.value.code == "restore.running"
        assert caught.value.message.params["pid"] == process.pid
        process.kill()
    run(restore, state, tmp_path / "hub.backup")


async def test_units_of_their_own(state: StateDirectory, tmp_path: Path) -> None:
    """They hold no lock: the broker by its socket, the hub by its open database."""
    run(backup, state, tmp_path / "hub.backup")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(state.path / "run" / "broker.sock"))
        listener.listen()
        with pytest.raises(Conflict, match="broker"):
            run(restore, state, tmp_path / "hub.backup")
    with (
        (state.path / "hub.sqlite").open("rb"),
        pytest.raises(Conflict, match=str(os.getpid())),
    ):
        run(restore, state, tmp_path / "hub.backup")


@pytest.mark.parametrize("unit", [False, True])
async def test_another_hub_s(state: StateDirectory, tmp_path: Path, unit: bool) -> None:
    """Where a unit says what the hub is called, and no file, it is known by its secret."""
    other = StateDirectory(tmp_path / "other")
    other.make()
    if unit:
        for one in (state, other):
            (one.path / "secrets" / "hub-id").unlink()
    run(backup, state, tmp_path / "hub.backup")
    with pytest.raises(Conflict) as caught:
        run(restore, other, tmp_path / "hub.backup")
    assert caught.value.code == "restore.other_hub"
    run(restore, state, tmp_path / "hub.backup")
    assert (state.path / "secrets" / "hub-id").exists() != unit


def _tampered(
    file: Path, change: Callable[[dict[str, Any], dict[str, tarfile.TarInfo | bytes]], None]
) -> Path:
    """A backup like that one, with something else in it."""
    with tarfile.open(file) as archive:
        parts: dict[str, Any] = {
            one.name: (archive.extractfile(one) or io.BytesIO()).read() for one in archive
        }
    manifest = json.loads(parts.pop(MANIFEST))
    change(manifest, parts)
    made = file.with_name("tampered")
    with tarfile.open(made, "w:gz") as archive:
        for name, data in {MANIFEST: json.dumps(manifest).encode(), **parts}.items():
            entry = data if isinstance(data, tarfile.TarInfo) else tarfile.TarInfo(name)
            if isinstance(data, bytes):
                entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data) if isinstance(data, bytes) else None)
    return made


def _link(_: dict[str, Any], parts: dict[str, Any]) -> None:
    parts["secrets/master"] = link = tarfile.TarInfo("secrets/master")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"


def _out(manifest: dict[str, Any], parts: dict[str, Any]) -> None:
    parts["../evil"] = b"x"
    manifest["files"]["../evil"] = "0" * 64


WRONG: dict[str, tuple[str, Callable[[dict[str, Any], dict[str, Any]], None]]] = {
    "a byte": ("backup.damaged", lambda m, p: p.update({"secrets/master": b"x" * 32})),
    "a file less": ("backup.damaged", lambda m, p: p.pop("secrets/master")),
    "a file more": ("backup.damaged", lambda m, p: p.update({"secrets/evil": b"x"})),
    "a link": ("backup.damaged", _link),
    "a way out": ("backup.not_one", _out),
    "tables of tomorrow": ("backup.newer", lambda m, p: m.update(broker="9999")),
    "a hub of tomorrow": ("backup.newer", lambda m, p: m.update(jupyterhub="99.0")),
    "a form of tomorrow": ("backup.newer", lambda m, p: m.update(schema="sampan/backup/2")),
    "no manifest": ("backup.not_one", lambda m, p: m.clear()),
}


@pytest.mark.parametrize("what", WRONG)
async def test_what_is_not_good_changes_nothing(state: StateDirectory, tmp_path: Path, what: str) -> None:
    code, change = WRONG[what]
    run(backup, state, tmp_path / "hub.backup")
    made = _tampered(tmp_path / "hub.backup", change)
    before = {path: path.read_bytes() for path in state.path.rglob("*") if path.is_file()}
    with pytest.raises(SampanError) as caught:
        run(restore, state, made)
    assert caught.value.code == code
    after = {path: path.read_bytes() for path in state.path.rglob("*") if path.is_file()}
    assert {path: data for path, data in after.items() if path.name != "up.lock"} == before


@pytest.mark.parametrize("text", [b"", b"hello", b"\x1f\x8b" + b"x" * 99])
async def test_what_is_no_archive(state: StateDirectory, tmp_path: Path, text: bytes) -> None:
    (tmp_path / "file").write_bytes(text)
    with pytest.raises(Invalid):
        run(restore, state, tmp_path / "file")
    with pytest.raises(Invalid):
        run(restore, state, tmp_path / "missing")


async def test_half_a_file(state: StateDirectory, tmp_path: Path) -> None:
    run(backup, state, tmp_path / "hub.backup")
    whole = (tmp_path / "hub.backup").read_bytes()
    (tmp_path / "half").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Invalid) as caught:
        open_backup(tmp_path / "half", tmp_path / "into")
    assert caught.value.code == "backup.damaged"
