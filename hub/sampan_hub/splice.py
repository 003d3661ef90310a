"""Two streams joined end to end, bytes unread, until both ways have ended or the way is cut."""

from __future__ import annotations

import asyncio
from typing import Final

import asyncssh

__all__ = ["splice"]

PIECE: Final = 256 * 1024

Outside = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Inside = tuple[asyncssh.SSHReader[bytes], asyncssh.SSHWriter[bytes]]


async def splice(outside: Outside, inside: Inside, cut: asyncio.Event) -> bool:
    """Passes bytes both ways; a side that stops reading stops the other from sending; an end is passed on as an end.

    True when both ways have ended in order; False when one broke, and at once when `cut` is set. The caller closes the
    outside, this the inside.
    """
    ways = [
        asyncio.create_task(_pass_on(outside[0], inside[1])),
        asyncio.create_task(_pass_on(inside[0], outside[1])),
    ]
    watching = asyncio.create_task(cut.wait())
    whole = False
    try:
        pending = set(ways)
        while pending and not cut.is_set():
            done, _ = await asyncio.wait({*pending, watching}, return_when=asyncio.FIRST_COMPLETED)
            pending -= done
            if any(task.exception() for task in done):
                return False
        whole = not pending and not cut.is_set()
        return whole
    finally:
        for task in (*ways, watching):
            task.cancel()
        await asyncio.gather(*ways, watching, return_exceptions=True)
        if whole:
            inside[1].close()
        else:
            inside[1].channel.abort()


async def _pass_on(
    source: asyncio.StreamReader | asyncssh.SSHReader[bytes],
    target: asyncio.StreamWriter | asyncssh.SSHWriter[bytes],
) -> None:
    while data := await source.read(PIECE):
        target.write(data)
        await target.drain()
    target.write_eof()
