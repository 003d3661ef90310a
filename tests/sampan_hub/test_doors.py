"""Ports of launches: kept, found again, given back."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sampan.errors import Unavailable
from sampan.messages import Message
from sampan_hub import notify
from sampan_hub.doors import Doors

OURS = frozenset({os.geteuid()})


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID"):
        monkeypatch.delenv(name, raising=False)
    notify.stored_sockets.cache_clear()
    yield
    notify.stored_sockets.cache_clear()


def free_range(number: int) -> tuple[int, int]:
    """So many free ports in a row."""
    for first in range(23000, 24900, number):
        sockets = []
        try:
            for port in range(first, first + number):
                sock = socket.socket()
                sockets.append(sock)
                sock.bind(("127.0.0.1", port))
        except OSError:
            continue
        else:
            return first, first + number - 1
        finally:
            for sock in sockets:
                sock.close()
    raise AssertionError("no free ports")


async def test_opens_once_and_at_the_same_port_again() -> None:
    doors = Doors((20000, 24999), accounts=OURS)
    port = await doors.open("aaaa")
    assert await doors.open("aaaa") == port
    assert doors.url("aaaa") == f"http://127.0.0.1:{port}"
    await doors.close()
    assert doors.url("aaaa") is None
    later = Doors((20000, 24999), accounts=OURS)
    assert await later.open("aaaa", port) == port
    await later.close()


async def test_no_two_launches_on_one_port_and_none_free_is_said() -> None:
    first, last = free_range(3)
    doors = Doors((first, last), accounts=OURS)
    assert {await doors.open(name) for name in ("aaaa", "bbbb", "cccc")} == set(range(first, last + 1))
    with pytest.raises(Unavailable, match=str(first)):
        await doors.open("dddd")
    await doors.remove("bbbb")
    await doors.open("dddd")
    await doors.close()


async def test_another_port_where_the_wanted_one_is_taken_or_out_of_range() -> None:
    first, last = free_range(2)
    with socket.create_server(("127.0.0.1", first)):
        doors = Doors((first, last), accounts=OURS)
        assert await doors.open("aaaa", first) == last
        await doors.close()
        assert await doors.open("aaaa", 80) == last
        await doors.close()


async def test_unknown_launches_are_no_error() -> None:
    doors = Doors((20000, 24999), accounts=OURS)
    doors.detach("none")
    await doors.remove("none")
    assert doors.url("none") is None


async def test_a_kept_socket_is_used_again_and_one_of_a_past_launch_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "n"))
        supervisor.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
        kept, past = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
        monkeypatch.setitem(notify.stored_sockets(), "door-aaaa", kept)
        monkeypatch.setitem(notify.stored_sockets(), "door-bbbb", past)
        port, gone = kept.getsockname()[1], past.getsockname()[1]
        # Somebody connected while no broker was there: nobody has refused them.
        waiting = socket.create_connection(("127.0.0.1", port))
        doors = Doors((20000, 24999), accounts=OURS, explain=lambda _: (Message("door.waiting"), 5))
        assert await doors.open("aaaa", port) == port
        doors.remove_unknown()
        assert supervisor.recv(1024) == b"FDSTOREREMOVE=1\nFDNAME=door-bbbb"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", gone))
        new = await doors.open("cccc")
        assert new != port
        assert supervisor.recv(1024) == b"FDSTORE=1\nFDNAME=door-cccc"
        await doors.remove("cccc")
        assert supervisor.recv(1024) == b"FDSTOREREMOVE=1\nFDNAME=door-cccc"
        await doors.close()
        waiting.close()
