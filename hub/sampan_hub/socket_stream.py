"""A websocket and a stream over a link joined end to end, bytes unread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import asyncssh
from fastapi import WebSocket, WebSocketDisconnect

__all__ = ["carry"]

PIECE: Final = 256 * 1024
LOOK: Final = 15.0
"""Seconds between two looks whether a stream may go on."""
ENDED: Final = 1000
VOID: Final = 1008
CUT: Final = 1012
"""https://www.iana.org/assignments/websocket/websocket.xhtml: "policy violation", and "service restart", come again."""

Inside = tuple[asyncssh.SSHReader[bytes], asyncssh.SSHWriter[bytes]]


async def carry(
    outside: WebSocket, inside: Inside, cut: asyncio.Event, still: Callable[[], Awaitable[bool]]
) -> None:
    """Passes bytes both ways until either side ends, `cut` is set, or it is `still` allowed no more; then both are closed.

    Binary messages are pieces of one stream: where one ends means nothing. A side that stops reading stops the other.
    """
    reader, writer = inside
    void = asyncio.create_task(_until_not(still))
    ways = [
        asyncio.create_task(_take(outside, writer)),
        asyncio.create_task(_give(reader, outside)),
        asyncio.create_task(cut.wait()),
        void,
    ]
    code = ENDED
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        code = CUT if cut.is_set() else VOID if void.done() else ENDED
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
        await outside.close(code)


async def _until_not(still: Callable[[], Awaitable[bool]]) -> None:
    while await still():  # noqa: ASYNC110 (it asks the hub)
        await asyncio.sleep(LOOK)


async def _take(source: WebSocket, target: asyncssh.SSHWriter[bytes]) -> None:
    # Text has no place here, and ends the stream like a close.
    while data := (await source.receive()).get("bytes"):
        target.write(data)
        await target.drain()


async def _give(source: asyncssh.SSHReader[bytes], target: WebSocket) -> None:
    while data := await source.read(PIECE):
        await target.send_bytes(data)
