"""A websocket and a stream over a link joined end to end, bytes unread."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import asyncssh
from fastapi import WebSocket, WebSocketDisconnect

__all__ = ["carry"]

PIECE: Final = 256 * 1024
ENDED: Final = 1000
CUT: Final = 1012
"""https://www.iana.org/assignments/websocket/websocket.xhtml: "service restart", come again."""

Inside = tuple[asyncssh.SSHReader[bytes], asyncssh.SSHWriter[bytes]]


async def carry(outside: WebSocket, inside: Inside, cut: asyncio.Event) -> None:
    """Passes bytes both ways until either side ends, or `cut` is set; then both are closed.

    Binary messages are pieces of one stream: where one ends means nothing. A side that stops reading stops the other.
    """
    reader, writer = inside
    ways = [
        asyncio.create_task(_take(outside, writer)),
        asyncio.create_task(_give(reader, outside)),
        asyncio.create_task(cut.wait()),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in ways:
            task.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        if cut.is_set():
            writer.channel.abort()
        else:
            writer.close()
    # The other side may have gone without a word.
    with suppress(RuntimeError, WebSocketDisconnect):
        await outside.close(CUT if cut.is_set() else ENDED)


async def _take(source: WebSocket, target: asyncssh.SSHWriter[bytes]) -> None:
    # Text has no place here, and ends the stream like a close.
    while data := (await source.receive()).get("bytes"):
        target.write(data)
        await target.drain()


async def _give(source: asyncssh.SSHReader[bytes], target: WebSocket) -> None:
    while data := await source.read(PIECE):
        await target.send_bytes(data)
