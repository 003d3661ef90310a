"""The sending half of systemd's protocol for readiness and for sockets that are kept over a restart.

sd_notify(3), sd_pid_notify_with_fds(3), sd_listen_fds(3). Without a supervisor that speaks it all of this does nothing.
"""

from __future__ import annotations

import os
import socket
from functools import cache
from typing import Final

__all__ = ["ready", "remove", "store_socket", "stored_sockets"]

FIRST: Final = 3
"""SD_LISTEN_FDS_START: the first inherited descriptor."""


def ready() -> None:
    """Says that the start is complete."""
    _say("READY=1")


def store_socket(name: str, sock: socket.socket) -> None:
    """Gives the supervisor a duplicate, to be handed to the next start under `name`. The same socket twice is once."""
    _say(f"FDSTORE=1\nFDNAME={_checked(name)}", sock.fileno())


def remove(name: str) -> None:
    """Lets the supervisor close what it keeps under `name`."""
    _say(f"FDSTOREREMOVE=1\nFDNAME={_checked(name)}")


@cache
def stored_sockets() -> dict[str, socket.socket]:
    """The sockets that the supervisor kept from the last start, by name; always the same dictionary.

    Who uses one takes it out, and then it is theirs to close. LISTEN_PID may be missing: a supervisor cannot know it
    before it starts us. Children do not inherit the descriptors.
    """
    if os.environ.get("LISTEN_PID", str(os.getpid())) != str(os.getpid()):
        return {}
    names = os.environ.get("LISTEN_FDNAMES", "").split(":")
    descriptors = range(FIRST, FIRST + int(os.environ.get("LISTEN_FDS", "0")))
    sockets = {}
    for descriptor, name in zip(descriptors, names, strict=False):
        os.set_inheritable(descriptor, False)
        sockets[name] = socket.socket(fileno=descriptor)
    return sockets


def _say(text: str, *descriptors: int) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # systemd writes an abstract address with "@" for the leading NUL.
    path = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.connect(path)
        if descriptors:
            socket.send_fds(sock, [text.encode()], list(descriptors))
        else:
            sock.send(text.encode())


def _checked(name: str) -> str:
    if not (0 < len(name) <= 255 and name.isascii() and name.isprintable() and ":" not in name):
        raise ValueError(f"not a name for a descriptor: {name!r}")
    return name
