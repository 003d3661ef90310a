from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncConnection

from sampan.errors import Invalid, Unavailable
from sampan_hub.database import Database, _engine, address_of, alembic_config
from sampan_hub.store import Store
from sampan_hub.tables import METADATA
from tests.waiting import until


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = await Database.open(url)
    yield opened
    await opened.close()


def run(statement: str) -> Any:
    async def work(connection: AsyncConnection) -> Any:
        done = await connection.execute(text(statement))
        return done.scalars().all() if done.returns_rows else None

    return work


def wait(centre: str) -> Any:
    return run(f"INSERT INTO waits (centre, share, seconds, at) VALUES ('{centre}', 's', 1, 1)")  # noqa: S608


WAITS = run("SELECT centre FROM waits ORDER BY number")


async def test_the_versions_make_the_tables_that_the_code_knows(database: Database) -> None:
    def differences(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), METADATA))

    assert await database.read(lambda connection: connection.run_sync(differences)) == []


async def test_ten_may_bring_it_up_to_date_at_once(url: str) -> None:
    opened = await asyncio.gather(*(Database.open(url) for _ in range(10)))
    newest = ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert await opened[0].read(run("SELECT version_num FROM alembic_version")) == [newest]
    await asyncio.gather(*(database.close() for database in opened))


async def test_waits_of_the_first_version_are_kept(url: str) -> None:
    database = Database(_engine(address_of(url)))
    config = alembic_config()

    def first(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")

    await database.write(lambda connection: connection.run_sync(first))
    await database.write(wait("east"))
    await database.close()
    opened = await Database.open(url)
    assert await opened.read(WAITS) == ["east"]
    assert await opened.read(run("SELECT count(*) FROM waits WHERE started AND cores IS NULL")) == [1]
    await opened.close()
    store = await Store.open(url)
    assert await store.recent_waits(0.0) == {}, "under which conditions they waited is not known"
    await store.close()


async def test_a_database_of_a_newer_version_is_left_alone(url: str, database: Database) -> None:
    await database.write(run("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Unavailable) as caught:
        await Database.open(url)
    assert caught.value.code == "store.newer"
    assert await database.read(run("SELECT version_num FROM alembic_version")) == ["9999"]


async def test_a_transaction_is_kept_as_a_whole_or_not_at_all(database: Database) -> None:
    told: list[str] = []

    async def work(connection: AsyncConnection) -> None:
        await wait("east")(connection)
        await run("INSERT INTO waits (centre) VALUES (1 / 0)")(connection)

    with pytest.raises(Exception):  # noqa: B017,PT011 (the two databases refuse it for different reasons)
        await database.write(work, then=lambda: told.append("over"))
    assert (await database.read(WAITS), told) == ([], ["over"])
    await database.write(wait("east"), then=lambda: told.append("over"))
    assert (await database.read(WAITS), told) == (["east"], ["over", "over"])


@pytest.mark.parametrize(
    "url", ["", "mysql://x/y", "sqlite+pysqlite:///x", "no url", "postgresql+asyncpg://x/y"]
)
async def test_an_address_that_is_none_of_ours_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        await Database.open(url)
    assert caught.value.code == "store.url"


@pytest.mark.parametrize(
    "url", ["postgresql://sampan:secret@/x?host=/nonexistent", "sqlite:////nonexistent/broker.sqlite"]
)
async def test_a_database_that_is_not_there_is_a_sentence_without_its_password(url: str) -> None:
    with pytest.raises(Unavailable) as caught:
        await Database.open(url)
    assert caught.value.code == "store.failed"
    assert "secret" not in caught.value.cause
    # aiosqlite's thread still reports its failure to the loop when the caller has gone on.
    await until(lambda: not any("connection_worker" in thread.name for thread in threading.enumerate()))


@pytest.mark.postgres
async def test_a_restart_of_the_server_costs_connections_not_errors(
    postgres: str, new_postgres_database: Callable[[], str]
) -> None:
    database = await Database.open(new_postgres_database())
    await database.write(wait("east"))
    end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'sampan'"
    with psycopg.connect(host=postgres, user="sampan", dbname="postgres", autocommit=True) as connection:
        assert connection.execute(end).fetchall()
    await database.write(wait("west"))
    assert await database.read(WAITS) == ["east", "west"]
    await database.close()


async def test_sqlite_is_safe_on_every_connection(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/broker.sqlite")

    async def pragmas(connection: AsyncConnection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [(await connection.execute(text(f"PRAGMA {name}"))).scalar() for name in names]

    both = await asyncio.gather(database.read(pragmas), database.read(pragmas))
    assert list(both) == [["wal", 2, 1, 10000]] * 2
    await database.close()


async def test_readers_go_on_while_somebody_writes(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/broker.sqlite")

    async def work(connection: AsyncConnection) -> Any:
        await wait("east")(connection)
        return await database.read(WAITS)

    assert await database.write(work) == []
    await database.close()


async def test_a_full_disk_is_a_sentence_and_reading_goes_on(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/broker.sqlite")
    await database.write(wait("east"))
    pages = (await database.read(run("PRAGMA page_count")))[0]

    @event.listens_for(database.engine.sync_engine, "connect")
    def fill(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}").close()

    await database.engine.dispose()

    async def much(connection: AsyncConnection) -> None:
        for _ in range(200):
            await wait("west" * 100)(connection)

    with pytest.raises(Unavailable) as caught:
        await database.write(much)
    assert caught.value.code == "store.failed"
    assert "full" in caught.value.cause
    assert await database.read(WAITS) == ["east"], "nothing half-written"
    await database.close()


async def test_a_database_that_can_only_be_read_is_read(tmp_path: Path) -> None:
    path = tmp_path / "broker.sqlite"
    whole = await Database.open(f"sqlite:///{path}")
    await whole.write(wait("east"))
    await whole.close()
    database = await Database.open(f"sqlite:///file:{path}?mode=ro&uri=true")
    assert await database.read(WAITS) == ["east"]
    with pytest.raises(Unavailable) as caught:
        await database.write(wait("west"))
    assert caught.value.code == "store.failed"
    assert caught.value.retry
    await database.close()


async def test_what_is_not_a_database_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "broker.sqlite").write_bytes(b"not a database, for sure" * 100)
    with pytest.raises(Unavailable) as caught:
        await Database.open(f"sqlite:///{tmp_path}/broker.sqlite")
    assert caught.value.code == "store.failed"


async def test_two_writers_in_two_connections_take_turns(tmp_path: Path) -> None:
    """Another process holds the lock for a moment: we wait for it instead of failing."""
    path = tmp_path / "broker.sqlite"
    database = await Database.open(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(database.write(wait("east")))
    done, _ = await asyncio.wait({waiting}, timeout=0.3)
    assert not done
    other.execute("COMMIT")
    await waiting
    other.close()
    assert await database.read(WAITS) == ["east"]
    await database.close()
