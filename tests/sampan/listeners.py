"""Which TCP sockets a process listens on, and what a stranger is told there."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LISTEN = "0A"


@dataclass(frozen=True, order=True)
class Listener:
    """A listening socket: the owning process, the address it is bound to, and its port."""

    pid: int
    host: str
    port: int

    def say(self, what: bytes, seconds: float = 2.0) -> bytes:
        """Everything that is answered to `what`, in clear; empty where the other end hangs up or keeps silent."""
        with socket.create_connection((self.host, self.port), timeout=seconds) as line:
            return _talk(line, what)

    def say_encrypted(self, what: bytes, context: ssl.SSLContext, seconds: float = 2.0) -> bytes:
        """The same over TLS; empty where the other end refuses us, at the handshake or right after it."""
        with socket.create_connection((self.host, self.port), timeout=seconds) as line:
            try:
                with context.wrap_socket(line, server_hostname="dask-internal") as secured:
                    return _talk(secured, what)
            except ssl.SSLError:
                return b""


def listeners(pids: Collection[int]) -> list[Listener]:
    """As the kernel of the operating system has them, not as the programs say (`/proc`); the caller may read these."""
    found: dict[tuple[str, int, str], Listener] = {}
    for pid in pids:
        # One that ends meanwhile listens on nothing.
        with suppress(FileNotFoundError, ProcessLookupError):
            for one in _of(pid):
                # A socket that several have open is one.
                found.setdefault((one.host, one.port, _network(pid)), one)
    return sorted(found.values())


def _of(pid: int) -> list[Listener]:
    inodes, found = _sockets(pid), []
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        # Of the network that this process is in.
        for row in Path(f"/proc/{pid}/net", table).read_text().splitlines()[1:]:
            fields = row.split()
            if fields[3] == LISTEN and fields[9] in inodes:
                host, port = fields[1].split(":")
                found.append(Listener(pid, _address(host, family), int(port, 16)))
    return found


def _network(pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/net").readlink())


def _talk(line: socket.socket, what: bytes) -> bytes:
    told = b""
    try:
        line.sendall(what)
        while part := line.recv(65536):
            told += part
    except (OSError, TimeoutError):
        pass
    return told


def _sockets(pid: int) -> set[str]:
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    return inodes


def _address(text: str, family: socket.AddressFamily) -> str:
    # Each 32-bit word is in the machine's own order, which is little-endian here.
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)]
    return socket.inet_ntop(family, b"".join(words))
