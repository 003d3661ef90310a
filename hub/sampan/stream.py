"""A stream of bytes to one socket of a kernel, from anywhere: a websocket of the broker. Imports tornado: import it late."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import suppress
from typing import Any, Final

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.netutil import Resolver
from tornado.websocket import (
    WebSocketClientConnection,
    WebSocketClosedError,
    WebSocketError,
    websocket_connect,
)

from sampan import calls
from sampan.address import Address
from sampan.errors import Unreachable

__all__ = ["UnixResolver", "close_stream", "join", "open_stream"]

CONNECT: Final = 10.0
QUIET: Final = 20.0
"""Seconds between two questions whether the other side is still there."""
CLOSE: Final = 1.0
LARGEST: Final = 1 << 20
PIECE: Final = 256 * 1024


class UnixResolver(Resolver):
    """Every name is that unix socket: in a session the broker's is the only way out."""

    def initialize(self, path: str) -> None:
        self._path = path

    async def resolve(self, host: str, port: int, family: Any = socket.AF_UNSPEC) -> list[tuple[int, Any]]:
        return [(int(socket.AF_UNIX), self._path)]


async def open_stream(address: Address, launch: str, name: str) -> WebSocketClientConnection:
    """A new stream to the socket called `name` of that launch's kernel; each binary message is a piece of it.

    Raises what the broker refuses with, and `Unreachable` where it cannot be asked.
    """
    request = HTTPRequest(
        address.url.replace("http", "ws", 1) + calls.socket(launch, name),
        headers=address.headers(),
        connect_timeout=CONNECT,
        request_timeout=CONNECT,
    )
    resolver = None if address.socket is None else UnixResolver(path=address.socket)
    opening = asyncio.ensure_future(
        websocket_connect(request, ping_interval=QUIET, max_message_size=LARGEST, resolver=resolver)
    )
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        # Tornado forgets a socket whose opening is cancelled; so it is opened, and closed.
        opening.add_done_callback(lambda opened: opened.cancelled() or opened.exception())
        with suppress(OSError, HTTPClientError, WebSocketError):
            async with asyncio.timeout(CLOSE):
                await close_stream(await asyncio.shield(opening))
        raise
    except HTTPClientError as error:
        raise calls.error_of(error.code, _body(error), address.url) from error
    except (OSError, WebSocketError) as error:
        raise Unreachable("broker.unreachable", cause=repr(error)) from error


async def close_stream(stream: WebSocketClientConnection) -> None:
    """Closes it, and returns when its socket is given back: a loop that ends before leaves it open."""
    stream.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE):
            while await stream.read_message() is not None:
                pass


async def join(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stream: WebSocketClientConnection
) -> None:
    """Passes bytes both ways until either side ends; the stream is closed then."""
    ways = [asyncio.create_task(_give(reader, stream)), asyncio.create_task(_take(stream, writer))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        await close_stream(stream)


async def _give(source: asyncio.StreamReader, target: WebSocketClientConnection) -> None:
    with suppress(OSError, StreamClosedError, WebSocketClosedError):
        while data := await source.read(PIECE):
            await target.write_message(data, binary=True)


async def _take(source: WebSocketClientConnection, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while isinstance(data := await source.read_message(), bytes):
            target.write(data)
            await target.drain()


def _body(error: HTTPClientError) -> object:
    try:
        return json.loads(error.response.body) if error.response is not None else None
    except ValueError:
        return None
