"""Putting a backup in place: into an empty state directory, or over one whose hub has stopped. What was there is kept aside."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sampan.errors import Conflict, Invalid, Refused, Unavailable
from sampan_hub import dumps
from sampan_hub.backup import (
    BROKER_DUMP,
    BROKER_SQLITE,
    HUB_SQLITE,
    MASTER,
    Manifest,
    hash_of,
    name_of,
    open_backup,
    sqlite_file,
)
from sampan_hub.process_lock import hold, holder
from sampan_hub.state_directory import StateDirectory
from sampan_hub.up import PARTS

__all__ = ["restore"]

SERIALS_LOST: Final = 1_000_000
"""More certificates than a backup can be old: their numbers are not given out again."""


def restore(state: StateDirectory, file: Path, database: str) -> tuple[Manifest, Path | None]:
    """Restores; the manifest, and where that was moved which was there before. `database`: the broker's URL, empty for SQLite.

    Everything is unpacked and checked before anything is changed. Raises `Conflict` while anything of this hub runs, or where
    the directory is another hub's; `Invalid` and `Refused` as :func:`sampan_hub.backup.open_backup`.
    """
    if not file.is_file():
        raise Invalid("backup.not_one", cause="no file", file=str(file))
    state.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    (state.path / "run").mkdir(mode=0o700, exist_ok=True)
    try:
        with _alone(state), TemporaryDirectory(dir=state.path, prefix=".restoring-") as folder:
            new = Path(folder)
            manifest = open_backup(file, new)
            _same_hub(state, manifest)
            _same_database(manifest, database)
            if BROKER_DUMP in manifest.files:
                dumps.load_postgresql(database, new / BROKER_DUMP)
            aside = _put_in_place(state, new, manifest, database)
    except OSError as error:
        raise Unavailable(
            "backup.disk", cause=repr(error), file=str(state.path), why=error.strerror or ""
        ) from error
    return manifest, aside


@contextmanager
def _alone(state: StateDirectory) -> Iterator[None]:
    """Raises `Conflict` while `sampan up` or a part of this hub runs; keeps `sampan up` from starting meanwhile."""
    lock = hold(state.lock("up"))
    if lock is None:
        raise Conflict("restore.running", part="sampan up", pid=holder(state.lock("up")) or "?")
    try:
        for part in PARTS:
            pid = holder(state.lock(part))
            if pid is not None:
                raise Conflict("restore.running", part=part, pid=pid)
        # Units of their own hold no lock of ours.
        if _listens(state.path / "run" / "broker.sock"):
            raise Conflict("restore.running", part="broker", pid="?")
        for name in (HUB_SQLITE, BROKER_SQLITE):
            pid = _who_has(state.path / name)
            if pid is not None:
                raise Conflict("restore.running", part=name, pid=pid)
        yield
    finally:
        os.close(lock)


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(2.0)
        try:
            sock.connect(str(path))
        except OSError:
            return False
    return True


def _who_has(path: Path) -> int | None:
    """A process of this machine that has the file open, as far as this account can see."""
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if entry.readlink() == path:
                return int(entry.parts[2])
    return None


def _same_hub(state: StateDirectory, manifest: Manifest) -> None:
    """Two hubs never touch each other's jobs: neither what marks them nor what seals them is changed under a hub that has some."""
    here, master = name_of(state), state.path / MASTER
    other = "?" not in (here, manifest.hub) and here != manifest.hub
    if other or (master.exists() and hash_of(master) != manifest.files.get(MASTER)):
        raise Conflict("restore.other_hub", state=str(state.path), here=here, hub=manifest.hub)


def _same_database(manifest: Manifest, database: str) -> None:
    here = bool(database) and dumps.is_postgresql(database)
    if here != (BROKER_DUMP in manifest.files):
        raise Refused("restore.database", kind="SQLite" if here else "PostgreSQL")


def _put_in_place(state: StateDirectory, new: Path, manifest: Manifest, database: str) -> Path | None:
    """By renaming; interrupted, it can be run again. What was there before is kept where this tells."""
    aside = state.path / time.strftime("replaced-%Y%m%dT%H%M%SZ", time.gmtime())
    moves: Mapping[str, Path] = {
        "secrets": state.path / "secrets",
        "centres": state.path / "centres",
        HUB_SQLITE: state.path / HUB_SQLITE,
        BROKER_SQLITE: sqlite_file(state, "" if BROKER_DUMP in manifest.files else database),
    }
    for name, place in moves.items():
        if not (new / name).exists():
            continue
        # What SQLite keeps beside a database belongs to that one.
        for old in (place, *(place.with_name(f"{place.name}{end}") for end in ("-wal", "-shm", "-journal"))):
            if old.exists():
                aside.mkdir(mode=0o700, exist_ok=True)
                old.rename(aside / old.name)
        (new / name).rename(place)
    _authorities(state, new)
    return aside if aside.exists() else None


def _authorities(state: StateDirectory, new: Path) -> None:
    """Keys of centres for which there are none here: those that are there know of what was revoked since."""
    (state.path / "ca").mkdir(mode=0o700, exist_ok=True)
    for folder in (new / "ca").glob("*"):
        place = state.path / "ca" / folder.name
        if not place.exists():
            _skip_numbers(folder / "serial")
            folder.rename(place)


def _skip_numbers(file: Path) -> None:
    with suppress(FileNotFoundError, ValueError):
        file.write_text(str(int(file.read_text()) + SERIALS_LOST))
