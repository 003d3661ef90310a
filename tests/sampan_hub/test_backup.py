"""A backup is one moment of a hub, whole; and a restore changes nothing unless all of it is good."""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import socket
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sampan.errors import Conflict, Invalid, Refused, SampanError, Unavailable
from sampan.need import Need
from sampan.stages import Kind
from sampan_hub import backup as backups
from sampan_hub.authority import Authority
from sampan_hub.backup import MANIFEST, open_backup
from sampan_hub.backup_command import backup, restore
from sampan_hub.state_directory import StateDirectory
from sampan_hub.store import Store
from tests.postgres import cluster
from tests.sampan_hub.descriptions import far

TEXT = far()


@pytest.fixture
async def state(tmp_path: Path) -> StateDirectory:
    """A hub that has lived a little."""
    state = StateDirectory(tmp_path / "state")
    state.make()
    (state.path / "centres" / "core.yaml").write_text(TEXT, encoding="utf-8")
    (state.path / "log" / "broker.log").write_text("not kept")
    Authority(state.path / "ca" / "core", "prod").state()
    with closing(sqlite3.connect(state.path / "hub.sqlite")) as hub:
        hub.executescript("CREATE TABLE users (name TEXT); INSERT INTO users VALUES ('李雷');")
    await _launch(f"sqlite:///{state.path / 'broker.sqlite'}", "alice")
    return state


async def _launch(url: str, owner: str) -> None:
    store = await Store.open(url)
    await store.create_launch(owner, Kind.SERVER, "", Need(), {}, f"/user/{owner}/")
    await store.close()


async def _owners(url: str) -> list[str]:
    store = await Store.open(url)
    try:
        return [launch.owner for launch in await store.launches(None)]
    finally:
        await store.close()


def _run(command: Any, state: StateDirectory, file: Path, *more: str) -> None:
    parser = argparse.ArgumentParser()
    command.configure(parser)
    assert command.run(parser.parse_args([str(file), "--state", str(state.path), *more])) == 0


def _same(one: Path, two: Path, folder: str) -> bool:
    first, second = ({p.name: p.read_bytes() for p in (where / folder).iterdir()} for where in (one, two))
    return first == second


async def test_there_and_back(
    state: StateDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    file, other = tmp_path / "hub.backup", StateDirectory(tmp_path / "other")
    _run(backup, state, file)
    said = capsys.readouterr().out
    assert file.stat().st_mode & 0o777 == 0o600
    assert f"holds hub {state.secret('hub-id')}" in said
    assert "--with-ca" in said
    _run(restore, other, file)
    assert "found again by themselves" in capsys.readouterr().out
    for folder in ("secrets", "centres"):
        assert _same(state.path, other.path, folder)
    for path in other.path.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert await _owners(f"sqlite:///{other.path / 'broker.sqlite'}") == ["alice"]
    with closing(sqlite3.connect(other.path / "hub.sqlite")) as hub:
        assert hub.execute("SELECT name FROM users").fetchall() == [("李雷",)]
    assert list((other.path / "ca").iterdir()) == []
    assert list((other.path / "log").iterdir()) == []
    assert not list(other.path.glob("re*"))


async def test_while_it_is_written_to(state: StateDirectory, tmp_path: Path) -> None:
    """One moment: of two rows that are always written together there are as many."""
    url = state.path / "broker.sqlite"
    with closing(sqlite3.connect(url)) as broker:
        broker.executescript("CREATE TABLE one (n); CREATE TABLE two (n); PRAGMA journal_mode=WAL;")
    enough, written = threading.Event(), threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(url, timeout=30)) as busy:
            while not enough.is_set():
                with busy:
                    busy.execute("INSERT INTO one VALUES (zeroblob(4000))")
                    busy.execute("INSERT INTO two VALUES (zeroblob(4000))")
                written.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        written.wait(10)
        _run(backup, state, tmp_path / "hub.backup")
    finally:
        enough.set()
        writer.join()
    other = StateDirectory(tmp_path / "other")
    _run(restore, other, tmp_path / "hub.backup")
    with closing(sqlite3.connect(other.path / "broker.sqlite")) as copy:
        ((one, two),) = copy.execute("SELECT (SELECT count(*) FROM one), (SELECT count(*) FROM two)")
    assert one == two > 0


async def test_over_what_was_there(state: StateDirectory, tmp_path: Path) -> None:
    """What is replaced is kept, and a log that SQLite has kept beside the database is not taken for one of the new one's."""
    _run(backup, state, tmp_path / "hub.backup")
    await _launch(f"sqlite:///{state.path / 'broker.sqlite'}", "bob")
    for end in ("-wal", "-shm"):
        (state.path / f"broker.sqlite{end}").write_bytes(b"of the other one")
    (state.path / "centres" / "late.yaml").write_text(TEXT)
    _run(restore, state, tmp_path / "hub.backup")
    assert await _owners(f"sqlite:///{state.path / 'broker.sqlite'}") == ["alice"]
    assert [path.name for path in (state.path / "centres").iterdir()] == ["core.yaml"]
    (aside,) = state.path.glob("replaced-*")
    assert {path.name for path in aside.iterdir()} >= {
        "secrets",
        "centres",
        "hub.sqlite",
        "broker.sqlite-wal",
    }
    assert (aside / "centres" / "late.yaml").read_text() == TEXT


async def test_the_keys_of_centres_go_along_only_if_asked_for(state: StateDirectory, tmp_path: Path) -> None:
    _run(backup, state, tmp_path / "with", "--with-ca")
    other = StateDirectory(tmp_path / "other")
    before = Authority(state.path / "ca" / "core", "")
    before._next_serial()
    _run(restore, other, tmp_path / "with")
    after = Authority(other.path / "ca" / "core", "")
    assert after.state() == before.state()
    # What was revoked since the backup stays so.
    before.revoke(accounts=("hpc0042",))
    _run(restore, state, tmp_path / "with")
    assert Authority(state.path / "ca" / "core", "").state().accounts == ("hpc0042",)


async def test_numbers_of_certificates_are_not_given_out_again(state: StateDirectory, tmp_path: Path) -> None:
    early = Authority(state.path / "ca" / "core", "")._next_serial()
    _run(backup, state, tmp_path / "with", "--with-ca")
    late = max(Authority(state.path / "ca" / "core", "")._next_serial() for _ in range(9))
    other = StateDirectory(tmp_path / "other")
    _run(restore, other, tmp_path / "with")
    assert Authority(other.path / "ca" / "core", "")._next_serial() > late > early


# --- what is refused


async def test_no_file_is_overwritten(state: StateDirectory, tmp_path: Path) -> None:
    (tmp_path / "hub.backup").write_text("mine")
    with pytest.raises(Conflict) as caught:
        _run(backup, state, tmp_path / "hub.backup")
    assert caught.value.code == "backup.exists"
    assert (tmp_path / "hub.backup").read_text() == "mine"
    assert not list(tmp_path.glob(".*"))


async def test_a_folder_that_is_no_state(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="state directory"):
        _run(backup, StateDirectory(tmp_path / "nothing"), tmp_path / "hub.backup")


@pytest.mark.parametrize("part", ["up", "broker", "hub", "signer", "proxy"])
def test_a_hub_that_runs(state: StateDirectory, tmp_path: Path, part: str) -> None:
    _run(backup, state, tmp_path / "hub.backup")
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom sampan_hub.process_lock import hold\n"
        f"hold(Path({str(state.lock(part))!r}))\nprint('held', flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(Conflict) as caught:
            _run(restore, state, tmp_path / "hub.backup")
        assert caught.value.code == "restore.running"
        assert caught.value.message.params["pid"] == process.pid
        process.kill()
    _run(restore, state, tmp_path / "hub.backup")


async def test_units_of_their_own(state: StateDirectory, tmp_path: Path) -> None:
    """They hold no lock: the broker by its socket, the hub by its open database."""
    _run(backup, state, tmp_path / "hub.backup")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(state.path / "run" / "broker.sock"))
        listener.listen()
        with pytest.raises(Conflict, match="broker"):
            _run(restore, state, tmp_path / "hub.backup")
    with (
        (state.path / "hub.sqlite").open("rb"),
        pytest.raises(Conflict, match=str(os.getpid())),
    ):
        _run(restore, state, tmp_path / "hub.backup")


async def test_another_hub_s(state: StateDirectory, tmp_path: Path) -> None:
    _run(backup, state, tmp_path / "hub.backup")
    other = StateDirectory(tmp_path / "other")
    other.make()
    with pytest.raises(Conflict) as caught:
        _run(restore, other, tmp_path / "hub.backup")
    assert caught.value.code == "restore.other_hub"


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
    _run(backup, state, tmp_path / "hub.backup")
    made = _tampered(tmp_path / "hub.backup", change)
    before = {path: path.read_bytes() for path in state.path.rglob("*") if path.is_file()}
    with pytest.raises(SampanError) as caught:
        _run(restore, state, made)
    assert caught.value.code == code
    after = {path: path.read_bytes() for path in state.path.rglob("*") if path.is_file()}
    assert {path: data for path, data in after.items() if path.name != "up.lock"} == before


@pytest.mark.parametrize("text", [b"", b"hello", b"\x1f\x8b" + b"x" * 99])
async def test_what_is_no_archive(state: StateDirectory, tmp_path: Path, text: bytes) -> None:
    (tmp_path / "file").write_bytes(text)
    with pytest.raises(Invalid):
        _run(restore, state, tmp_path / "file")
    with pytest.raises(Invalid):
        _run(restore, state, tmp_path / "missing")


async def test_half_a_file(state: StateDirectory, tmp_path: Path) -> None:
    _run(backup, state, tmp_path / "hub.backup")
    whole = (tmp_path / "hub.backup").read_bytes()
    (tmp_path / "half").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Invalid) as caught:
        open_backup(tmp_path / "half", tmp_path / "into")
    assert caught.value.code == "backup.damaged"


async def test_a_disk_that_is_full(
    state: StateDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backups, "_pack", full)
    with pytest.raises(Unavailable, match="No space left"):
        _run(backup, state, tmp_path / "hub.backup")
    assert not list(tmp_path.glob("*backup*"))


# --- PostgreSQL


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with cluster() as folder:
        yield folder


async def test_postgresql(
    state: StateDirectory, tmp_path: Path, postgres: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        await asyncio.to_thread(
            subprocess.run, ["createdb", "-h", postgres, "-U", "sampan", name], check=True
        )
    one, two = (f"postgresql://sampan@/{name}?host={postgres}" for name in ("one", "two"))
    await _launch(one, "amy")
    _run(backup, state, tmp_path / "hub.backup", "--database", one)
    other = StateDirectory(tmp_path / "other")
    with pytest.raises(Refused, match="PostgreSQL"):
        _run(restore, other, tmp_path / "hub.backup")
    await _launch(two, "bea")
    _run(restore, other, tmp_path / "hub.backup", "--database", two)
    assert await _owners(two) == ["amy"]
    assert not (other.path / "broker.sqlite").exists()


async def test_a_postgresql_that_is_not_there(state: StateDirectory, tmp_path: Path) -> None:
    """Its password is in no sentence."""
    with pytest.raises(Unavailable) as caught:
        _run(backup, state, tmp_path / "b", "--database", "postgresql://sampan:secret@/x?host=/nonexistent")
    assert "secret" not in str(caught.value)
    assert not list(tmp_path.glob("*b"))
