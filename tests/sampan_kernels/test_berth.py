"""A directory that only its owner enters, with room for a kernel's socket in its path."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sampan_kernels import berth
from sampan_kernels.berth import Berth, unix_url

pytestmark = pytest.mark.fast

LONGEST_UNIX_PATH = 107


def test_is_for_its_owner_alone_and_goes_again() -> None:
    place = Berth.make()
    for directory in (place.directory, place.runtime):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    (place.runtime / "kernel.json").write_text("{}")
    place.remove()
    assert not place.directory.exists()
    place.remove()


def test_what_a_killed_launcher_left_goes_and_what_lives_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    living, killed = (Berth.make(str(tmp_path)) for _ in range(2))
    foreign = tmp_path / "sampan-job_aaaaaaaa"
    foreign.symlink_to(tmp_path)
    other = tmp_path / "sampan-state"
    other.mkdir()
    os.close(killed.lock)  # as the system does when its process ends
    monkeypatch.setattr(berth, "YOUNG", 0.0)
    Berth.make(str(tmp_path)).remove()
    assert living.directory.exists()
    assert not killed.directory.exists()
    assert foreign.is_symlink()
    assert other.exists()
    living.remove()


def test_what_was_made_just_now_stays(tmp_path: Path) -> None:
    (tmp_path / "sampan-job_bbbbbbbb").mkdir()
    Berth.make(str(tmp_path)).remove()
    assert (tmp_path / "sampan-job_bbbbbbbb").exists()


def test_two_are_never_the_same() -> None:
    berths = [Berth.make() for _ in range(10)]
    assert len({place.directory for place in berths}) == 10
    for place in berths:
        place.remove()


def test_a_kernels_socket_has_room() -> None:
    place = Berth.make()
    longest = place.runtime / f"kernel-{'0' * 36}-ipc-99999"
    assert len(str(longest).encode()) <= LONGEST_UNIX_PATH
    place.remove()


def test_a_sockets_address_is_the_path_percent_encoded() -> None:
    place = Berth.make()
    address = unix_url(place.broker, "/services/sampan")
    assert address == f"http+unix://{str(place.broker).replace('/', '%2F')}/services/sampan"
    place.remove()
