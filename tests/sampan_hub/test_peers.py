"""Whose the other end of a connection is."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sampan_hub.peers import owner_of_peer

NOBODY = 65534


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_names_the_owner_of_the_other_end() -> None:
    with listening() as server, socket.create_connection(server.getsockname()):
        accepted, _ = server.accept()
        with accepted:
            assert owner_of_peer(accepted) == os.geteuid()


def test_nobody_owns_an_end_that_is_closed() -> None:
    """The kernel would name root for it: send, hang up, and be taken for root."""
    with listening() as server:
        client = socket.create_connection(server.getsockname())
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        accepted, _ = server.accept()
        with accepted:
            client.close()
            assert accepted.recv(1024)
            assert accepted.recv(1024) == b""
            assert owner_of_peer(accepted) is None


def test_nobody_owns_what_is_not_connected() -> None:
    with socket.socket() as sock:
        assert owner_of_peer(sock) is None


def test_names_the_account_of_another_process() -> None:
    """As root that is another account; anybody else cannot become one, and names their own."""
    become = (
        [shutil.which("setpriv") or "setpriv", f"--reuid={NOBODY}", "--clear-groups"]
        if os.geteuid() == 0
        else []
    )
    program = "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); s.recv(1)"
    with listening() as server:
        argv = [*become, os.path.realpath(sys.executable), "-c", program, str(server.getsockname()[1])]
        client = subprocess.Popen(argv, cwd="/")
        server.settimeout(20)
        accepted, _ = server.accept()
        with accepted:
            assert owner_of_peer(accepted) == (NOBODY if become else os.geteuid())
        assert client.wait(20) == 0
