"""Copies of databases that are in use: SQLite by its own way of copying, PostgreSQL by its own programs."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Final

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from sampan.errors import Refused, Unavailable
from sampan_hub.database import address_of, alembic_config

__all__ = [
    "check_revision",
    "copy_sqlite",
    "dump_postgresql",
    "is_postgresql",
    "load_postgresql",
    "revision",
    "sqlite_path",
]

_SECONDS: Final = 3600
"""That a program of PostgreSQL may take."""
_BUSY_SECONDS: Final = 30.0


def is_postgresql(url: str) -> bool:
    """Raises `Invalid` (store.url) for an address that is none of ours."""
    return address_of(url).get_backend_name() == "postgresql"


def sqlite_path(url: str) -> Path:
    """The file of an SQLite database."""
    return Path(address_of(url).database or "")


def copy_sqlite(source: Path, target: Path) -> None:
    """A whole copy as of one moment, while others read and write; mode 0600. https://sqlite.org/backup.html

    Raises `Unavailable` where it cannot be had, or the original is damaged.
    """
    target.touch(mode=0o600, exist_ok=False)
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", timeout=_BUSY_SECONDS, uri=True)) as before,
            closing(sqlite3.connect(target)) as copy,
        ):
            before.backup(copy)
            # One file, as it is: what reads the copy next decides how it is written to.
            copy.execute("PRAGMA journal_mode=DELETE")
            found = copy.execute("PRAGMA quick_check").fetchone()
    except sqlite3.Error as error:
        raise Unavailable("store.failed", cause=f"{source}: {error}") from error
    if found != ("ok",):
        raise Unavailable("store.failed", cause=f"{source}: {found}")


def revision(url: str) -> str | None:
    """The version of the tables there; None where there are none."""
    try:
        engine = create_engine(_plain(url))
        try:
            with engine.connect() as connection:
                return MigrationContext.configure(connection).get_current_revision()
        finally:
            engine.dispose()
    except SQLAlchemyError as error:
        raise Unavailable("store.failed", cause=str(error)) from error


def check_revision(found: str | None) -> None:
    """Raises `Refused` for tables of a version that this broker does not have."""
    if found is None:
        return
    try:
        ScriptDirectory.from_config(alembic_config()).get_revision(found)
    except CommandError as error:
        raise Refused("backup.newer", cause=str(error), what="sampan", version=found) from error


def dump_postgresql(url: str, target: Path) -> None:
    """In pg_dump's own format, as of one moment. Raises `Unavailable`."""
    target.touch(mode=0o600, exist_ok=False)
    _run(url, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")


def load_postgresql(url: str, source: Path) -> None:
    """Puts what is there in its place, as a whole or not at all. Raises `Unavailable`."""
    how = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction")
    _run(url, "pg_restore", *how, "--dbname=", str(source))


def _run(url: str, program: str, *words: str) -> None:
    """The way there, and the password, in the environment: argument lists are for everybody to read."""
    told = make_url(url)
    query = {name: value for name, value in told.query.items() if isinstance(value, str)}
    named = {
        "PGHOST": told.host or query.get("host"),
        "PGPORT": str(told.port) if told.port else query.get("port"),
        "PGUSER": told.username or query.get("user"),
        "PGPASSWORD": told.password,
        "PGDATABASE": told.database,
        "PGSSLMODE": query.get("sslmode"),
        "PGSSLROOTCERT": query.get("sslrootcert"),
    }
    environment = {**os.environ, **{name: value for name, value in named.items() if value}}
    try:
        done = subprocess.run(
            [program, *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise Unavailable("backup.program", program=program) from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable("backup.failed", program=program, why=f"{_SECONDS} s") from error
    if done.returncode != 0:
        raise Unavailable("backup.failed", program=program, why=done.stderr.strip()[-300:])


def _plain(url: str) -> str:
    """The same database, for whoever waits for it."""
    address = address_of(url)
    return address.set(drivername=address.drivername.removesuffix("+aiosqlite")).render_as_string(
        hide_password=False
    )
