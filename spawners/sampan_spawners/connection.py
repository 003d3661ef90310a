"""The hub's one connection to the broker, shared by every spawner of the process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from weakref import WeakKeyDictionary

from sampan.client import AsyncBroker
from sampan.errors import Unreachable

__all__ = ["connect"]

_known: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str], AsyncBroker]] = WeakKeyDictionary()


def connect(socket: str, secret_file: str) -> AsyncBroker:
    """The client for this socket and this secret, the same one on every call of an event loop.

    Raises Unreachable while the secret cannot be read: `sampan up` may still be writing it.
    """
    clients = _known.setdefault(asyncio.get_running_loop(), {})
    way = (socket, secret_file)
    if way not in clients:
        try:
            secret = Path(secret_file).read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            raise Unreachable("broker.unreachable", cause=repr(error)) from error
        clients[way] = AsyncBroker(socket=socket, secret=secret)
    return clients[way]
