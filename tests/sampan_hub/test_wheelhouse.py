"""Wheels are fetched once by real pip, from a folder that is a registry, and each is held against its hash."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from sampan.errors import Unavailable
from sampan_hub.machine import Machine
from sampan_hub.user_lock import UserLock
from sampan_hub.wheelhouse import Wheelhouse
from tests.sampan_hub.tiny_wheels import tiny_lock

HERE = Machine.parse(platform.python_version(), platform.platform())


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UserLock:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "registry"))
    return tiny_lock(tmp_path / "registry", alpha="1.0", beta="2.0")


async def test_fetched_once(tmp_path: Path, lock: UserLock, monkeypatch: pytest.MonkeyPatch) -> None:
    house = Wheelhouse(tmp_path / "wheels", lock, HERE)
    assert not await house.complete()
    wheels = await house.wheels()
    assert [wheel.file.partition("-")[0] for wheel in wheels] == ["jupyterhub", "alpha", "beta"]
    assert sum(wheel.size for wheel in wheels) == sum(wheel.path.stat().st_size for wheel in wheels)
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    assert await Wheelhouse(tmp_path / "wheels", lock, HERE).wheels() == wheels, "nothing is asked for again"


async def test_a_damaged_one_is_fetched_again(tmp_path: Path, lock: UserLock) -> None:
    house = Wheelhouse(tmp_path / "wheels", lock, HERE)
    wheels = await house.wheels()
    wheels[1].path.write_bytes(b"half of it")
    assert not await house.complete()
    assert await house.wheels() == wheels


async def test_another_lock_takes_what_it_can_of_what_is_there(tmp_path: Path, lock: UserLock) -> None:
    await Wheelhouse(tmp_path / "wheels", lock, HERE).wheels()
    newer = tiny_lock(tmp_path / "registry", alpha="1.0", beta="2.1")
    wheels = await Wheelhouse(tmp_path / "wheels", newer, HERE).wheels()
    assert [wheel.file for wheel in wheels][1:] == ["alpha-1.0-py3-none-any.whl", "beta-2.1-py3-none-any.whl"]


async def test_what_cannot_be_fetched_is_named(tmp_path: Path, lock: UserLock) -> None:
    """A package that the registry has not, and one whose bytes are not those that were locked."""
    missing = UserLock(lock.text + "gamma==3.0 --hash=sha256:" + "1" * 64 + "\n")
    with pytest.raises(Unavailable) as caught:
        await Wheelhouse(tmp_path / "wheels", missing, HERE).wheels()
    assert "gamma" in caught.value.message.say("en")
    changed = UserLock("alpha==1.0 --hash=sha256:" + "1" * 64 + "\n")
    with pytest.raises(Unavailable) as caught:
        await Wheelhouse(tmp_path / "other", changed, HERE).wheels()
    assert caught.value.code == "environment.no_wheels"
