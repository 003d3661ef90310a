"""The broker's database: SQLite beside it, or PostgreSQL by address. Transactions, versions, and what can go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from sampan.errors import Invalid, Unavailable

__all__ = ["Database", "address_of", "alembic_config"]

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_WRITES: Final = "sampan_writes"
_BUSY_SECONDS: Final = 10
_DEADLINE: Final = 30.0
_UPGRADE_LOCK: Final = 0x5A3FA


class Database:
    """Runs pieces of work in transactions of their own; whatever fails leaves nothing half-written.

    Every failure to read or write is `Unavailable` (store.failed), its cause for the log. A unique index that says no is
    SQLAlchemy's `IntegrityError`: the caller knows what it means.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        # One writer at a time is SQLite's rule; a fair queue here is quicker than its waiting for a lock.
        self._turn = asyncio.Lock() if engine.dialect.name == "sqlite" else contextlib.nullcontext()
        self._writer = engine.execution_options(**{_WRITES: True})
        self._running: set[asyncio.Task[Any]] = set()

    @classmethod
    async def open(cls, url: str) -> Database:
        """Connects and brings the tables to this version. Raises `Invalid` for an address that is none of ours."""
        database = cls(_engine(address_of(url)))
        try:
            await database._upgrade()
        except BaseException:
            await database.close()
            raise
        return database

    async def close(self) -> None:
        """Waits for what is being written, then lets go of every connection."""
        if self._running:
            await asyncio.wait(self._running, timeout=_DEADLINE)
        await self.engine.dispose()

    async def read(self, work: Work[T]) -> T:
        """Runs `work` in a transaction that only reads."""
        return await self._unharmed(self._run(self.engine, contextlib.nullcontext(), work))

    async def write(self, work: Work[T], then: Callable[[], None] = lambda: None) -> T:
        """Runs `work` in a transaction that is kept as a whole or not at all; `then`, once it is over either way.

        Where the connection is lost in the moment of keeping, nobody knows which.
        """
        return await self._unharmed(self._run(self._writer, self._turn, work, then))

    async def _unharmed(self, running: Coroutine[Any, Any, T]) -> T:
        """A cancelled caller goes when its transaction has ended: nothing is torn off, nothing comes in late."""
        task = asyncio.create_task(running)
        self._running.add(task)
        task.add_done_callback(self._finished)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.done():
                await asyncio.wait({task})
            raise

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        # Asked for, so that the failure of a transaction whose caller has gone is not reported as forgotten.
        _ = task.cancelled() or task.exception()

    @staticmethod
    async def _run(
        engine: AsyncEngine,
        turn: contextlib.AbstractAsyncContextManager[Any],
        work: Work[T],
        then: Callable[[], None] = lambda: None,
    ) -> T:
        try:
            async with _explained(), asyncio.timeout(_DEADLINE), turn, engine.begin() as connection:
                return await work(connection)
        finally:
            then()

    async def _upgrade(self) -> None:
        config = alembic_config()
        head = ScriptDirectory.from_config(config).get_current_head()
        if await self.read(lambda connection: connection.run_sync(_version)) == head:
            # Also a database that can only be read is of use: what runs can still be seen.
            return

        async def upgrade(connection: AsyncConnection) -> None:
            if connection.dialect.name == "postgresql":
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})"))
            await connection.run_sync(_upgrade_to_head, config)

        await self.write(upgrade)


def alembic_config() -> Config:
    """Alembic's settings: the versions lie in this package, also in an installed one."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade_to_head(connection: Connection, config: Config) -> None:
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def address_of(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError:
        raise Invalid("store.url") from None
    driver = _DRIVERS.get(address.drivername)
    if driver is None:
        raise Invalid("store.url")
    return address.set(drivername=driver)


def _engine(address: URL) -> AsyncEngine:
    if address.drivername == "sqlite+aiosqlite":
        engine = create_async_engine(address, connect_args={"timeout": _BUSY_SECONDS})
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    limits = f"-c statement_timeout={_BUSY_SECONDS}s -c idle_in_transaction_session_timeout=60s"
    given = {"connect_timeout": "5", "application_name": "sampan", **address.query}
    options = f"{limits} {given.get('options', '')}".strip()
    # Pre-ping: a database that was restarted costs a new connection, not an error.
    return create_async_engine(
        address.set(query={**given, "options": options}), pool_pre_ping=True, pool_size=10, max_overflow=10
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # Transactions begin where we say so (see _begin_sqlite), not where the driver guesses.
    connection.isolation_level = None
    cursor = connection.cursor()
    # WAL: readers go on while somebody writes. FULL: what was told to a person survives a power cut.
    # In a database that can only be read WAL cannot be switched on, and asking is no error there either.
    for pragma in (f"busy_timeout={_BUSY_SECONDS * 1000}", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    _switch_on_wal(cursor)
    cursor.close()


def _switch_on_wal(cursor: Any) -> None:
    """Unlike everything else this waits for nobody: two who open a new database at once may find it locked.

    https://sqlite.org/wal.html. So it is tried again; only the very first connections of a new file ever meet this.
    """
    for last in (*(False,) * 100, True):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if last or "locked" not in str(error):
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and then finds another writer ahead of it would fail: take the turn at the start.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextlib.asynccontextmanager
async def _explained() -> AsyncIterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except CommandError as error:
        # The tables are of a version that this broker does not have: it is older than they are.
        raise Unavailable("store.newer", cause=str(error)) from error
    except (SQLAlchemyError, OSError, TimeoutError, UnicodeError) as error:
        log.warning("the database failed: %s", error)
        raise Unavailable("store.failed", cause=str(error)) from error
