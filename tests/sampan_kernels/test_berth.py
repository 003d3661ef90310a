"""A directory that only its owner enters, with room for a kernel's socket in its path."""

from __future__ import annotations

import stat

import pytest

from sampan_kernels.berth import Berth, unix_url

pytestmark = pytest.mark.fast

LONGEST_UNIX_PATH = 107


def test_is_for_its_owner_alone_and_goes_again() -> None:
    berth = Berth.make()
    for directory in (berth.directory, berth.runtime):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    (berth.runtime / "kernel.json").write_text("{}")
    berth.remove()
    assert not berth.directory.exists()
    berth.remove()


def test_two_are_never_the_same() -> None:
    berths = [Berth.make() for _ in range(10)]
    assert len({berth.directory for berth in berths}) == 10
    for berth in berths:
        berth.remove()


def test_a_kernels_socket_has_room() -> None:
    berth = Berth.make()
    longest = berth.runtime / f"kernel-{'0' * 36}-ipc-99999"
    assert len(str(longest).encode()) <= LONGEST_UNIX_PATH
    berth.remove()


def test_a_sockets_address_is_the_path_percent_encoded() -> None:
    berth = Berth.make()
    address = unix_url(berth.broker, "/services/sampan")
    assert address == f"http+unix://{str(berth.broker).replace('/', '%2F')}/services/sampan"
    berth.remove()
