"""The descriptor store, spoken to over its real socket."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from sampan_hub.fd_store import MOST, FdStore
from tests.waiting import until


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[FdStore]:
    store = FdStore(tmp_path / "notify.sock")
    yield store
    store.close()


def notify(store: FdStore, text: str, descriptors: Iterable[int] = ()) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect(str(store.path))
        socket.send_fds(sock, [text.encode()], list(descriptors))


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def names(store: FdStore) -> list[str]:
    return [name for name, _ in store.kept()]


async def test_only_its_own_account_may_speak_to_it(store: FdStore) -> None:
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


async def test_ready_is_heard(store: FdStore) -> None:
    notify(store, "STATUS=almost\nREADY=1\n")
    await until(store.ready.is_set)


async def test_a_socket_is_kept_under_its_name_and_stays_open(store: FdStore) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        address = sock.getsockname()
        notify(store, "FDSTORE=1\nFDNAME=door-1", [sock.fileno()])
        assert names(store) == ["door-1"]
    with socket.create_connection(address, timeout=5):
        [(_, descriptor)] = store.kept()
        with socket.socket(fileno=os.dup(descriptor)) as again:
            again.accept()[0].close()


async def test_the_same_socket_twice_is_kept_once(store: FdStore) -> None:
    with socket.socket() as one, socket.socket() as other:
        for sock in (one, one, other):
            notify(store, "FDSTORE=1\nFDNAME=door", [sock.fileno()])
    assert names(store) == ["door", "door"]


async def test_removed_by_name(store: FdStore) -> None:
    with socket.socket() as one, socket.socket() as other:
        notify(store, "FDSTORE=1\nFDNAME=door-1", [one.fileno()])
        notify(store, "FDSTORE=1\nFDNAME=door-2", [other.fileno()])
    notify(store, "FDSTOREREMOVE=1\nFDNAME=door-1")
    assert names(store) == ["door-2"]
    notify(store, "FDSTOREREMOVE=1\nFDNAME=unheard-of")
    assert names(store) == ["door-2"]


@pytest.mark.parametrize(
    "text",
    [
        "BARRIER=1",
        "",
        "FDNAME=x",
        "FDSTORE=1\nFDNAME=a:b",
        "FDSTORE=1\nFDNAME=",
        "FDSTORE=1\nFDNAME=" + "x" * 300,
    ],
)
async def test_what_is_not_to_be_kept_is_closed(store: FdStore, text: str) -> None:
    reader, writer = os.pipe()
    try:
        notify(store, text, [writer])
        os.close(writer)
        assert names(store) == []
        assert os.read(reader, 1) == b""
    finally:
        os.close(reader)


async def test_it_does_not_grow_without_end(store: FdStore) -> None:
    before = open_descriptors()
    store._kept = [("door", -1)] * MOST
    with socket.socket() as sock:
        notify(store, "FDSTORE=1\nFDNAME=more", [sock.fileno()])
    assert len(store.kept()) == MOST
    store._kept = []
    assert open_descriptors() == before
