"""What several tests of the broker stand on: an empty database of each kind, and a folder that a centre may write to."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from sampan_hub import demo_account
from tests.postgres import cluster


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The directory of the server's socket."""
    with cluster() as socket:
        yield socket


@pytest.fixture
def new_postgres_database(postgres: str) -> Callable[[], str]:
    """Makes an empty database and returns its address."""

    def make() -> str:
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(host=postgres, user="sampan", dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql+psycopg://sampan@/{name}?host={postgres}"

    return make


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'broker.sqlite'}"
    make: Callable[[], str] = request.getfixturevalue("new_postgres_database")
    return make()


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty folder of the account that centres of this machine are asked as; a test's own is closed to it."""
    folder = Path(tempfile.mkdtemp(prefix="place-"))
    try:
        folder.chmod(0o755)
        account = demo_account.ensure()
        if account is not None:
            shutil.chown(folder, account, account)
        yield folder
    finally:
        shutil.rmtree(folder)
