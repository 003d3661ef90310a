"""Whose the other end of a loopback connection is: asked of the operating system, for exactly that connection.

sock_diag(7): one request by addresses and ports, one answer; nothing is listed.
"""

from __future__ import annotations

import socket
import struct
from typing import Final

__all__ = ["owner_of_peer"]

_NETLINK_SOCK_DIAG: Final = 4
_SOCK_DIAG_BY_FAMILY: Final = 20
_NLM_F_REQUEST: Final = 1
_ESTABLISHED: Final = 1
_NO_COOKIE: Final = 0xFFFFFFFF
_HEADER: Final = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port id
_REQUEST: Final = struct.Struct(
    "=BBBBI"
)  # struct inet_diag_req_v2: family, protocol, extensions, padding, states
_PORTS: Final = struct.Struct("!HH")  # struct inet_diag_sockid: source and destination port, in network order
_REST: Final = struct.Struct("=16s16sIII")  # the addresses, the interface, the two halves of the cookie
_ANSWER: Final = struct.Struct("=BBBB")  # struct inet_diag_msg: family, state, timer, retransmits
_TAIL: Final = struct.Struct("=IIIII")  # expires, receive queue, send queue, user id, inode
_SECONDS: Final = struct.pack("ll", 1, 0)


def owner_of_peer(sock: socket.socket) -> int | None:
    """The user id that owns the other end of an accepted IPv4 loopback connection; None where nobody can be named.

    Nobody: the other end is closed already, or is not a socket of this machine. The kernel reports a closed end as
    root's, without an inode: taken at its word, it would let anybody in who sends and hangs up.
    """
    try:
        here, there = sock.getsockname(), sock.getpeername()
        with socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG
        ) as asked:
            asked.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _SECONDS)
            asked.send(_question(source=there, destination=here))
            return _read(asked.recv(4096), source=there, destination=here)
    except OSError:
        return None


def _question(source: tuple[str, int], destination: tuple[str, int]) -> bytes:
    body = _REQUEST.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 1 << _ESTABLISHED) + _id(
        source, destination
    )
    length = _HEADER.size + len(body)
    return _HEADER.pack(length, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0) + body


def _id(source: tuple[str, int], destination: tuple[str, int]) -> bytes:
    addresses = (socket.inet_aton(source[0]), socket.inet_aton(destination[0]))
    return _PORTS.pack(source[1], destination[1]) + _REST.pack(*addresses, 0, _NO_COOKIE, _NO_COOKIE)


def _read(answer: bytes, source: tuple[str, int], destination: tuple[str, int]) -> int | None:
    start = _HEADER.size
    whole = start + _ANSWER.size + _PORTS.size + _REST.size + _TAIL.size
    if len(answer) < whole or _HEADER.unpack_from(answer)[1] != _SOCK_DIAG_BY_FAMILY:
        return None  # NLMSG_ERROR: there is no such socket
    _, state, _, _ = _ANSWER.unpack_from(answer, start)
    start += _ANSWER.size
    ports = _PORTS.unpack_from(answer, start)
    *_, owner, inode = _TAIL.unpack_from(answer, start + _PORTS.size + _REST.size)
    exact = ports == (source[1], destination[1])
    return int(owner) if exact and state == _ESTABLISHED and inode != 0 else None
