"""The receiving half of systemd's file descriptor store: sockets that outlive the process that uses them.

Only what our broker says, in the words of https://systemd.io/FILE_DESCRIPTOR_STORE/ and sd_notify(3), so that the same
broker runs under a systemd unit with `FileDescriptorStoreMax=`.
"""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Final

__all__ = ["FdStore"]

LARGEST_TEXT: Final = 16 * 1024
# The kernel's SCM_MAX_FD: more never come in one message.
MOST_IN_ONE: Final = 253
# Names travel in one environment variable, of at most 128 KiB.
MOST: Final = 2000


class FdStore:
    """Descriptors by name, kept for the next start of one child; `ready` is set when that child says READY=1."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ready = asyncio.Event()
        self._kept: list[tuple[str, int]] = []
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        mask = os.umask(0o177)
        try:
            self._socket.bind(str(path))
        finally:
            os.umask(mask)
        asyncio.get_running_loop().add_reader(self._socket, self.receive)

    def keep(self, name: str, sock: socket.socket) -> None:
        """Keeps a duplicate."""
        self._kept.append((name, os.dup(sock.fileno())))

    def kept(self) -> list[tuple[str, int]]:
        """What the next start is to get, in this order, with everything that the last one has sent."""
        self.receive()
        return list(self._kept)

    def receive(self) -> None:
        """Takes every message that has come; never waits."""
        while True:
            try:
                text, descriptors, flags, _ = socket.recv_fds(
                    self._socket, LARGEST_TEXT, MOST_IN_ONE, socket.MSG_CMSG_CLOEXEC
                )
            except BlockingIOError:
                return
            whole = not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC)
            self._take(_fields(text) if whole else {}, descriptors)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self.path.unlink(missing_ok=True)
        self._forget({name for name, _ in self._kept})

    def _take(self, said: dict[str, str], descriptors: list[int]) -> None:
        name = said.get("FDNAME", "stored")
        if said.get("FDSTOREREMOVE") == "1":
            self._forget({name})
        room = len(self._kept) + len(descriptors) <= MOST
        storing = said.get("FDSTORE") == "1" and room and _is_name(name)
        for descriptor in descriptors:
            if storing and not self._knows(name, descriptor):
                self._kept.append((name, descriptor))
            else:
                # Also how a sender learns, by a pipe that closes, that we have read so far (sd_notify_barrier).
                os.close(descriptor)
        if said.get("READY") == "1":
            self.ready.set()

    def _knows(self, name: str, descriptor: int) -> bool:
        """The same socket under the same name again: a broker that stores at each start what it was handed."""
        new = os.fstat(descriptor)
        return any(kept == name and os.path.samestat(os.fstat(there), new) for kept, there in self._kept)

    def _forget(self, names: set[str]) -> None:
        for name, descriptor in self._kept:
            if name in names:
                os.close(descriptor)
        self._kept = [(name, descriptor) for name, descriptor in self._kept if name not in names]


def _fields(text: bytes) -> dict[str, str]:
    lines = text.decode("utf-8", "replace").split("\n")
    return {key: value for key, _, value in (line.partition("=") for line in lines)}


def _is_name(name: str) -> bool:
    return 0 < len(name) <= 255 and name.isascii() and name.isprintable() and ":" not in name
