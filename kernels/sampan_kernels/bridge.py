"""A kernel elsewhere as if it were here: its sockets as unix sockets of this machine, for this account alone."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from jupyter_core.paths import jupyter_runtime_dir
from tornado.websocket import WebSocketClientConnection

from sampan.address import Address
from sampan.errors import SampanError, Unavailable
from sampan.stream import join, open_stream
from sampan_kernels.connection import PORTS

__all__ = ["Bridge", "private_folder"]

FIRST_WAIT: Final = 0.1
LONGEST_WAIT: Final = 2.0
PATIENCE: Final = 25.0
"""Seconds that a client waits for the other end; ZeroMQ begins anew by itself after 30."""
CLOSE: Final = 1.0
LONGEST: Final = 80
"""Bytes of a folder below which there is room for a socket, whose whole path has at most 107."""
log = logging.getLogger(__name__)


class Bridge:
    """Leads each connection to a local socket to the kernel's, over a stream of its own, encrypted up to the kernel.

    When a way is lost its connection ends; ZeroMQ makes a new one by itself, which waits here until there is a way.
    """

    def __init__(self, address: Address, launch: str, ip: Path) -> None:
        """`ip` is what Jupyter calls the address: the sockets' path, up to the hyphen; in a folder of :func:`private_folder`."""
        self._address = address
        self._launch = launch
        self._ip = ip
        self._servers: list[asyncio.Server] = []
        self._ways: set[asyncio.Task[None]] = set()

    @property
    def ip(self) -> str:
        return str(self._ip)

    async def open(self) -> None:
        for name, number in PORTS.items():
            lead = partial(self._lead, name)
            self._servers.append(await asyncio.start_unix_server(lead, f"{self.ip}-{number}"))

    async def close(self) -> None:
        self._stop_listening()
        for way in self._ways:
            way.cancel()
        await asyncio.gather(*self._ways, return_exceptions=True)

    def _stop_listening(self) -> None:
        for server in self._servers:
            server.close()
        self._servers.clear()

    async def _lead(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._ways.add(task)
            task.add_done_callback(self._ways.discard)
        try:
            stream = await self._stream(name)
            if stream is not None:
                await join(reader, writer, stream)
        finally:
            await _close(writer)

    async def _stream(self, name: str) -> WebSocketClientConnection | None:
        wait = FIRST_WAIT
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while True:
                    try:
                        return await open_stream(self._address, self._launch, name)
                    except Unavailable as error:
                        log.debug("%s of %s: %s", name, self._launch, error)
                    except SampanError as error:
                        log.info("%s of %s is refused: %s", name, self._launch, error)
                        return None
                    await asyncio.sleep(wait)
                    wait = min(wait * 2, LONGEST_WAIT)
        return None


def private_folder() -> Path:
    """Of mode 0700, beside Jupyter's connection files: what a session leaves there when it is killed goes with its job."""
    runtime = Path(jupyter_runtime_dir())
    if len(os.fsencode(runtime)) > LONGEST:
        return Path(tempfile.mkdtemp(prefix="sampan-kernel-"))
    runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="far-", dir=runtime))


async def _close(writer: asyncio.StreamWriter) -> None:
    """After what was written has gone out, as far as that works in a moment."""
    writer.close()
    with suppress(OSError, TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), CLOSE)
    writer.transport.abort()
