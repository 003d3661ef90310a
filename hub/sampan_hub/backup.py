"""One file with all that a hub must not lose: what was decided, who may, and where to look. Jobs are at the centres.

::

    manifest.json             what it is, of which hub, when, of which versions, and a hash of each of the others
    secrets/ centres/         as in the state directory
    hub.sqlite                JupyterHub's database, where it lies in the state directory
    broker.sqlite             or broker.dump, of PostgreSQL
    ca/CENTRE/                only if asked for: whoever has them may act as anybody at that centre
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final

from packaging.version import Version

from sampan.errors import Conflict, Invalid, Refused, Unavailable
from sampan_hub import dumps
from sampan_hub.state_directory import StateDirectory

__all__ = [
    "BROKER_DUMP",
    "BROKER_SQLITE",
    "HUB_SQLITE",
    "MASTER",
    "Manifest",
    "hash_of",
    "name_of",
    "open_backup",
    "sqlite_file",
    "write_backup",
]

SCHEMA: Final = "sampan/backup/1"
MANIFEST: Final = "manifest.json"
MASTER: Final = "secrets/master"
HUB_SQLITE, BROKER_SQLITE, BROKER_DUMP = "hub.sqlite", "broker.sqlite", "broker.dump"
_NAME: Final = re.compile(
    r"(?:secrets|centres|ca/[a-z][a-z0-9-]{0,30})/[A-Za-z0-9_][A-Za-z0-9._-]{0,100}|hub\.sqlite|broker\.(?:sqlite|dump)"
)
_LARGEST_MANIFEST: Final = 16 << 20


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself. `broker` is the version of the broker's tables, `jupyterhub` the hub's own."""

    hub: str
    made_at: float
    sampan: str
    jupyterhub: str
    broker: str | None
    files: Mapping[str, str] = field(default_factory=dict)
    """Name → SHA-256 in hexadecimal."""
    schema: str = SCHEMA


def write_backup(state: StateDirectory, file: Path, database: str, *, with_ca: bool) -> Manifest:
    """Writes it, mode 0600, whole or not at all; hub and broker may run. `database`: the broker's URL, empty for SQLite.

    Raises `Conflict` where the file is there already, `Unavailable` where a database or the disk gives no answer.
    """
    if file.exists():
        raise Conflict("backup.exists", file=str(file))
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with TemporaryDirectory(dir=state.path / "run") as folder:
            parts = dict(_parts(state, Path(folder), database, with_ca=with_ca))
            manifest = Manifest(
                hub=name_of(state),
                made_at=time.time(),
                sampan=version("sampan"),
                jupyterhub=version("jupyterhub"),
                broker=_revision(state, database),
                files={name: hash_of(path) for name, path in parts.items()},
            )
            _pack(draft, manifest, parts)
        os.link(draft, file)
    except FileExistsError as error:
        raise Conflict("backup.exists", file=str(file)) from error
    except OSError as error:
        raise Unavailable(
            "backup.disk", cause=repr(error), file=str(file), why=error.strerror or ""
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return manifest


def name_of(state: StateDirectory) -> str:
    """What marks the hub's jobs; `?` where a unit says it, and no file here."""
    try:
        return state.secret("hub-id")
    except FileNotFoundError:
        return "?"


def _parts(
    state: StateDirectory, folder: Path, database: str, *, with_ca: bool
) -> Iterator[tuple[str, Path]]:
    """Name in the backup → file. The hub's database first: what it knows the broker knows as well, or finds."""
    hub = state.path / HUB_SQLITE
    if hub.exists():
        dumps.copy_sqlite(hub, folder / HUB_SQLITE)
        yield HUB_SQLITE, folder / HUB_SQLITE
    if database and dumps.is_postgresql(database):
        dumps.dump_postgresql(database, folder / BROKER_DUMP)
        yield BROKER_DUMP, folder / BROKER_DUMP
    else:
        dumps.copy_sqlite(sqlite_file(state, database), folder / BROKER_SQLITE)
        yield BROKER_SQLITE, folder / BROKER_SQLITE
    kept = [*(state.path / "secrets").iterdir(), *(state.path / "centres").glob("*.yaml")]
    if with_ca:
        kept += [path for path in (state.path / "ca").glob("*/*") if path.name != "lock"]
    for path in sorted(kept):
        name = str(path.relative_to(state.path))
        if path.is_file() and _NAME.fullmatch(name):
            yield name, path


def sqlite_file(state: StateDirectory, database: str) -> Path:
    """Where the broker's own file is."""
    return dumps.sqlite_path(database) if database else state.path / BROKER_SQLITE


def _revision(state: StateDirectory, database: str) -> str | None:
    return dumps.revision(database or f"sqlite:///{sqlite_file(state, '')}")


def _pack(draft: Path, manifest: Manifest, parts: Mapping[str, Path]) -> None:
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        with tarfile.open(fileobj=stream, mode="w:gz") as archive:
            text = json.dumps(asdict(manifest), indent=1).encode()
            _add(archive, MANIFEST, io.BytesIO(text), len(text))
            for name, path in parts.items():
                with path.open("rb") as source:
                    _add(archive, name, source, os.fstat(source.fileno()).st_size)
        stream.flush()
        os.fsync(stream.fileno())


def _add(archive: tarfile.TarFile, name: str, source: IO[bytes], size: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, int(time.time())
    archive.addfile(entry, source)


def open_backup(file: Path, into: Path) -> Manifest:
    """Unpacks it into an empty folder, every file mode 0600 and as its hash says.

    Raises `Invalid` for what is no backup of ours or is damaged, and `Refused` for one of later versions than these.
    """
    try:
        with tarfile.open(file, mode="r:gz") as archive:
            manifest = _manifest(archive, file)
            _check_versions(manifest)
            for entry in archive:
                _unpack(archive, entry, manifest, into)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise Invalid("backup.damaged", cause=repr(error), file=str(file)) from error
    missing = [name for name in manifest.files if not (into / name).exists()]
    if missing:
        raise Invalid("backup.damaged", cause=f"without {missing[0]}", file=str(file))
    return manifest


def _manifest(archive: tarfile.TarFile, file: Path) -> Manifest:
    first = archive.next()
    stream = archive.extractfile(first) if first is not None and first.name == MANIFEST else None
    try:
        if stream is None:
            raise ValueError("no manifest")
        said: dict[str, Any] = json.loads(stream.read(_LARGEST_MANIFEST))
        if said["schema"] != SCHEMA:
            raise Refused("backup.newer", what="sampan", version=str(said["sampan"]))
        manifest = Manifest(**said)
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid("backup.not_one", cause=repr(error), file=str(file)) from error
    if not all(_NAME.fullmatch(name) for name in manifest.files):
        raise Invalid("backup.not_one", cause="names", file=str(file))
    return manifest


def _check_versions(manifest: Manifest) -> None:
    """Tables of a later version are read by nobody here. Earlier ones are brought up to date at the next start."""
    dumps.check_revision(manifest.broker)
    if Version(manifest.jupyterhub) > Version(version("jupyterhub")):
        raise Refused("backup.newer", what="jupyterhub", version=manifest.jupyterhub)


def _unpack(archive: tarfile.TarFile, entry: tarfile.TarInfo, manifest: Manifest, into: Path) -> None:
    """Only what the manifest names, and only files: a name is never a way out of the folder."""
    if entry.name == MANIFEST:
        return
    source = archive.extractfile(entry) if entry.isreg() and entry.name in manifest.files else None
    if source is None:
        raise tarfile.TarError(f"{entry.name[:100]!r} is not of it")
    path = into / entry.name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        while part := source.read(1 << 20):
            target.write(part)
        target.flush()
        os.fsync(target.fileno())
    if hash_of(path) != manifest.files[entry.name]:
        raise tarfile.TarError(f"{entry.name} is not what it was")


def hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
