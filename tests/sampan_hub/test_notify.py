"""What is said to a supervisor, and what it hands over; with a real one's socket and a real child."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sampan_hub import notify

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    path = tmp_path / "notify.sock"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))
        sock.settimeout(5)
        yield sock


def test_says_nothing_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify.ready()
    with socket.create_server(("127.0.0.1", 0)) as sock:
        notify.store_socket("door-a", sock)
    notify.remove("door-a")


def test_says_ready_and_remove(supervisor: socket.socket) -> None:
    notify.ready()
    assert supervisor.recv(1024) == b"READY=1"
    notify.remove("door-abcd")
    assert supervisor.recv(1024) == b"FDSTOREREMOVE=1\nFDNAME=door-abcd"


def test_an_abstract_address(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"sampan-test-{os.getpid()}"
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{name}")
        notify.ready()
        assert sock.recv(1024) == b"READY=1"


def test_a_socket_is_kept_and_comes_back(supervisor: socket.socket) -> None:
    """Stored here, closed here, and accepted from by a later process that inherits it."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        address = sock.getsockname()
        notify.store_socket("door-abcd", sock)
    text, descriptors, _, _ = socket.recv_fds(supervisor, 1024, 4)
    assert text == b"FDSTORE=1\nFDNAME=door-abcd"
    assert len(descriptors) == 1
    client = socket.create_connection(address)  # between the two processes: waits, and is not refused
    program = (
        "import os, socket, sys; from sampan_hub import notify; kept = notify.stored_sockets();"
        "assert notify.stored_sockets() is kept; sock = kept.pop('door-abcd'); assert not os.get_inheritable(sock.fileno());"
        "connection, _ = sock.accept(); connection.sendall(b'here'); assert not kept"
    )
    child = subprocess.run(
        [sys.executable, "-c", f"import os; os.dup2({descriptors[0]}, 3); {program}"],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "hub"),
            "LISTEN_FDS": "1",
            "LISTEN_FDNAMES": "door-abcd",
        },
        pass_fds=descriptors,
        check=True,
        timeout=20,
    )
    assert child.returncode == 0
    assert client.recv(16) == b"here"
    client.close()
    os.close(descriptors[0])


@pytest.mark.parametrize("environment", [{}, {"LISTEN_FDS": "2", "LISTEN_PID": "1"}])
def test_takes_nothing_that_is_not_ours(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    notify.stored_sockets.cache_clear()
    assert notify.stored_sockets() == {}
    notify.stored_sockets.cache_clear()


@pytest.mark.parametrize("name", ["", "a:b", "a\nb", "é", "x" * 256])
def test_refuses_what_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        notify.remove(name)
