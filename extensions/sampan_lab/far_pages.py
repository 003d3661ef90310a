"""Dask's pages of kernels elsewhere: unix sockets of this machine, each of which leads to those of one scheduler.

By the broker and the link of the kernel, as the kernel's own sockets do, with this server's token.
"""

from __future__ import annotations

import asyncio
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from jupyter_core.paths import jupyter_runtime_dir

from sampan import calls
from sampan.address import Address
from sampan.errors import SampanError
from sampan.pages import socket_name
from sampan.stream import join, open_stream
from sampan_lab.asking import Asking

__all__ = ["FarPages"]

_LONGEST: Final = 70
"""Bytes of a folder below which there is room for a socket, whose whole path has at most 107."""


class FarPages:
    """Made when somebody first looks. What it makes lies in this server's own folder, and goes with its job."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._servers: dict[str, asyncio.Server] = {}
        self._ways: dict[str, str] = {}
        self._lock = asyncio.Lock()

    async def way(self, secret: str) -> str | None:
        """The socket behind which the pages with that secret are; None where no cluster of this person has it."""
        async with self._lock:
            if secret not in self._ways and (kernel := await self._kernel(secret)) is not None:
                way = f"{_private_folder()}/socket"
                lead = partial(self._lead, secret, kernel)
                self._servers[secret] = await asyncio.start_unix_server(lead, way)
                self._ways[secret] = way
            return self._ways.get(secret)

    async def _kernel(self, secret: str) -> str | None:
        """In which launch the cluster's notebook runs; as the cluster itself says, which is its person's."""
        try:
            for one in await self._asking.ask(calls.launches()):
                if one["kind"] == "cluster" and one["parent"] not in (None, self._asking.own):
                    told = await self._asking.ask(calls.cluster(one["id"]))
                    if str(told["pages"]).endswith(f"/{secret}/"):
                        return str(one["parent"])
        except (SampanError, KeyError):
            pass
        return None

    async def _lead(
        self, secret: str, kernel: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            stream = await open_stream(Address.from_environment(), kernel, socket_name(secret))
            await join(reader, writer, stream)
        except SampanError:
            # It is over, or nobody answers: whoever comes next is told anew where it is.
            self._ways.pop(secret, None)
            if (server := self._servers.pop(secret, None)) is not None:
                server.close()
        finally:
            writer.close()


def _private_folder() -> str:
    runtime = jupyter_runtime_dir()
    short = len(runtime.encode()) <= _LONGEST and Path(runtime).is_dir()
    return tempfile.mkdtemp(prefix="pages-", dir=runtime if short else None)
