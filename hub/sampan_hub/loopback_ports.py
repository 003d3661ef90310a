"""Which ports of 127.0.0.1 the parts of one `sampan up` use: the same ones at the next start, where they are still free."""

from __future__ import annotations

import errno
import json
import os
import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sampan.errors import Invalid

__all__ = ["LoopbackPorts", "listen"]

HOST: Final = "127.0.0.1"
USUAL: Final[Mapping[str, int]] = {"hub": 8081, "broker": 8082, "proxy_api": 8001}
# Below Linux's ephemeral range, so that no outgoing connection takes one between two starts, and below the doors.
OTHERS: Final = range(10_000, 20_000)


@dataclass(frozen=True)
class LoopbackPorts:
    """`public` is the one that people see; the others are between our own processes.

    `claims` keep them from every other `sampan up` of this machine until :meth:`close`, or until this process is gone: most
    are listened on some seconds after they were chosen, and not while their part is being started again.
    """

    public: int
    hub: int
    broker: int
    proxy_api: int
    claims: Mapping[int, socket.socket] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def choose(cls, public: int, record: Path) -> LoopbackPorts:
        """The recorded ones, else the usual ones, else any that are free; recorded. Raises Invalid: `public` is taken."""
        claims: dict[int, socket.socket] = {}
        if not _take(public, claims):
            raise Invalid("up.port", port=public, next=public + 1 if public < 65535 else 8000)
        wanted = {**USUAL, **_recorded(record)}
        chosen = {
            part: next(
                port
                for port in (wanted[part], USUAL[part], *random.SystemRandom().sample(OTHERS, 200))
                if _take(port, claims)
            )
            for part in USUAL
        }
        aside = record.with_name(f".{record.name}.{os.getpid()}")
        aside.write_text(json.dumps({"public": public, **chosen}), encoding="utf-8")
        aside.replace(record)
        return cls(public=public, **chosen, claims=claims)

    def close(self) -> None:
        """Lets others have them."""
        for claim in self.claims.values():
            claim.close()


def _take(port: int, claims: dict[int, socket.socket]) -> bool:
    """Whether the port is free and nobody claims it; it is claimed then.

    A claim is a name in the kernel's abstract namespace, which goes with its process and is as wide as the ports are.
    """
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0sampan up: port {port}")
        if is_free(port):
            claims[port] = claim
    except OSError:
        pass
    finally:
        if claims.get(port) is not claim:
            claim.close()
    return claims.get(port) is claim


def is_free(port: int) -> bool:
    """True where we could listen now. Raises Invalid for what is no port or not ours to use."""
    try:
        listen(port).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise Invalid("up.no_port", cause=repr(error), port=port) from error
    except OverflowError as error:
        raise Invalid("up.no_port", cause=repr(error), port=port) from error
    return True


def listen(port: int) -> socket.socket:
    """A listening socket; connections wait in it before anybody accepts."""
    sock = socket.socket()
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((HOST, port))
        sock.listen(512)
    except (OSError, OverflowError):
        sock.close()
        raise
    return sock


def _recorded(record: Path) -> dict[str, int]:
    try:
        told = json.loads(record.read_text(encoding="utf-8"))
        return {part: int(told[part]) for part in USUAL if 1024 <= int(told[part]) <= 65535}
    except (OSError, ValueError, TypeError, KeyError):
        # Nothing is lost with it: other ports are chosen.
        return {}
