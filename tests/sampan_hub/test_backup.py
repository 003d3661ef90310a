"""A backup is one moment of a hub, whole; and a restore changes nothing unless all of it is good."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from sampan.errors import Conflict, Invalid, Refused, Unavailable
from sampan_hub import backup as backups
from sampan_hub.authority import Authority
from sampan_hub.backup_command import backup, restore
from sampan_hub.state_directory import StateDirectory
from tests.sampan_hub.a_state import TEXT, a_state, make_launch, owners, run, same_files


@pytest.fixture
async def state(tmp_path: Path) -> StateDirectory:
    return await a_state(tmp_path / "state")


async def test_there_and_back(
    state: StateDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    file, other = tmp_path / "hub.backup", StateDirectory(tmp_path / "other")
    run(backup, state, file)
    said = capsys.readouterr().out
    assert file.stat().st_mode & 0o777 == 0o600
    assert f"holds hub {state.secret('hub-id')}" in said
    assert "--with-ca" in said
    run(restore, other, file)
    assert "found again by themselves" in capsys.readouterr().out
    for folder in ("secrets", "centres"):
        assert same_files(state.path, other.path, folder)
    for path in other.path.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert await owners(f"sqlite:///{other.path / 'broker.sqlite'}") == ["alice"]
    with closing(sqlite3.connect(other.path / "hub.sqlite")) as hub:
        assert hub.execute("SELECT name FROM users").fetchall() == [("李雷",)]
    assert list((other.path / "ca").iterdir()) == []
    assert not (other.path / "log").exists()
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
        run(backup, state, tmp_path / "hub.backup")
    finally:
        enough.set()
        writer.join()
    other = StateDirectory(tmp_path / "other")
    run(restore, other, tmp_path / "hub.backup")
    with closing(sqlite3.connect(other.path / "broker.sqlite")) as copy:
        ((one, two),) = copy.execute("SELECT (SELECT count(*) FROM one), (SELECT count(*) FROM two)")
    assert one == two > 0


async def test_over_what_was_there(state: StateDirectory, tmp_path: Path) -> None:
    """What is replaced is kept, and a log that SQLite has kept beside the database is not taken for one of the new one's."""
    run(backup, state, tmp_path / "hub.backup")
    await make_launch(f"sqlite:///{state.path / 'broker.sqlite'}", "bob")
    for end in ("-wal", "-shm"):
        (state.path / f"broker.sqlite{end}").write_bytes(b"of the other one")
    (state.path / "centres" / "late.yaml").write_text(TEXT)
    run(restore, state, tmp_path / "hub.backup")
    assert await owners(f"sqlite:///{state.path / 'broker.sqlite'}") == ["alice"]
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
    run(backup, state, tmp_path / "with", "--with-ca")
    other = StateDirectory(tmp_path / "other")
    before = Authority(state.path / "ca" / "core", "")
    before._next_serial()
    run(restore, other, tmp_path / "with")
    after = Authority(other.path / "ca" / "core", "")
    assert after.state() == before.state()
    # What was revoked since the backup stays so.
    before.revoke(accounts=("hpc0042",))
    run(restore, state, tmp_path / "with")
    assert Authority(state.path / "ca" / "core", "").state().accounts == ("hpc0042",)


async def test_numbers_of_certificates_are_not_given_out_again(state: StateDirectory, tmp_path: Path) -> None:
    early = Authority(state.path / "ca" / "core", "")._next_serial()
    run(backup, state, tmp_path / "with", "--with-ca")
    late = max(Authority(state.path / "ca" / "core", "")._next_serial() for _ in range(9))
    other = StateDirectory(tmp_path / "other")
    run(restore, other, tmp_path / "with")
    assert Authority(other.path / "ca" / "core", "")._next_serial() > late > early


# --- what is refused


async def test_no_file_is_overwritten(state: StateDirectory, tmp_path: Path) -> None:
    (tmp_path / "hub.backup").write_text("mine")
    with pytest.raises(Conflict) as caught:
        run(backup, state, tmp_path / "hub.backup")
    assert caught.value.code == "backup.exists"
    assert (tmp_path / "hub.backup").read_text() == "mine"
    assert not list(tmp_path.glob(".*"))


async def test_a_folder_that_is_no_state(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="state directory"):
        run(backup, StateDirectory(tmp_path / "nothing"), tmp_path / "hub.backup")


async def test_a_disk_that_is_full(
    state: StateDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backups, "_pack", full)
    with pytest.raises(Unavailable, match="No space left"):
        run(backup, state, tmp_path / "hub.backup")
    assert not list(tmp_path.glob("*backup*"))


# --- PostgreSQL


@pytest.mark.postgres
async def test_postgresql(
    state: StateDirectory,
    tmp_path: Path,
    new_postgres_database: Callable[[], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    one, two = new_postgres_database(), new_postgres_database()
    await make_launch(one, "amy")
    run(backup, state, tmp_path / "hub.backup", "--database", one)
    other = StateDirectory(tmp_path / "other")
    with pytest.raises(Refused, match="PostgreSQL"):
        run(restore, other, tmp_path / "hub.backup")
    await make_launch(two, "bea")
    run(restore, other, tmp_path / "hub.backup", "--database", two)
    assert await owners(two) == ["amy"]
    assert not (other.path / "broker.sqlite").exists()


async def test_a_postgresql_that_is_not_there(state: StateDirectory, tmp_path: Path) -> None:
    """Its password is in no sentence."""
    with pytest.raises(Unavailable) as caught:
        run(backup, state, tmp_path / "b", "--database", "postgresql://sampan:secret@/x?host=/nonexistent")
    assert "secret" not in str(caught.value)
    assert not list(tmp_path.glob("*b"))
