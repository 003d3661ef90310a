"""One client of the broker for the whole hub."""

from pathlib import Path

import pytest

from sampan.errors import Unreachable
from sampan_spawners.connection import connect

pytestmark = pytest.mark.fast


async def test_every_spawner_shares_one(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden\n")
    one = connect(str(tmp_path / "broker.sock"), str(secret))
    assert connect(str(tmp_path / "broker.sock"), str(secret)) is one
    assert connect(str(tmp_path / "other.sock"), str(secret)) is not one
    await one.aclose()


async def test_a_secret_that_is_not_there_yet_can_be_waited_for(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        connect(str(tmp_path / "broker.sock"), str(tmp_path / "secret"))
    (tmp_path / "secret").write_text("hidden")
    connect(str(tmp_path / "broker.sock"), str(tmp_path / "secret"))
