"""The one loopback address of a launch on the hub's machine: it leads to the attempt of the day."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from urllib.parse import unquote

from sampan.errors import SampanError
from sampan.logs import concerns
from sampan.messages import Message
from sampan_hub.door_answer import door_answer
from sampan_hub.link import Link
from sampan_hub.peers import owner_of_peer
from sampan_hub.splice import splice

__all__ = ["Door", "Explain"]

PATIENCE: Final = 3.0
"""Seconds that a connection waits for a link that is expected back."""
EXPECTED: Final = 15.0
"""Seconds after its loss during which a link is expected back; later, nobody is kept waiting for it."""
LARGEST_HEAD: Final = 16 * 1024
HEAD_SECONDS: Final = 5.0
CLOSE_SECONDS: Final = 30.0
"""For a reader who has stopped reading to take the rest."""
_RESET: Final = struct.pack("ii", 1, 0)  # struct linger: closing discards and resets
_ANOTHER: Final = (Message("door.another"), 0)
log = logging.getLogger(__name__)

Explain = Callable[[str], tuple[Message, int]]
"""From a launch's id to what is happening with it and its progress in percent."""


class Door:
    """Accepts connections of known accounts and passes their bytes to the server behind the link, all but the first line unread.

    While there is no server it answers by itself. It keeps its address for the life of the launch, whatever comes
    and goes behind it.
    """

    def __init__(
        self,
        launch: str,
        sock: socket.socket,
        *,
        accounts: frozenset[int],
        explain: Explain,
        expecting: bool = False,
        home: str = "",
        prefix: str = "/",
    ) -> None:
        """`sock` listens on 127.0.0.1. `expecting`: a server was there before, and its link is on the way.

        `home` is the address of the page on which its person decides what to do. `prefix`: the path that its server is at; what
        asks for another one was led here by a route that is older than this door, and brings somebody else's cookies.
        """
        self.launch = launch
        self._socket = sock
        self._accounts = accounts
        self._explain = explain
        self._home = home
        self._prefix = unquote(prefix)
        self._link: Link | None = None
        self._linked = asyncio.Event()
        self._expected_until = time.monotonic() + EXPECTED if expecting else 0.0
        self._connections: set[asyncio.Task[None]] = set()
        sock.setblocking(False)
        self._accepting = asyncio.create_task(self._accept(), name=f"door of {launch}")

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def attach(self, link: Link) -> None:
        """From now on the door leads there. What goes through an earlier link ends with that one."""
        if self._link is not link:
            self._link = link
            self._linked.set()

    def detach(self) -> None:
        """The attempt is over: its connections are closed, and no link is expected back."""
        self._link = None
        self._linked.clear()
        self._expected_until = 0.0
        for task in self._connections:
            task.cancel()

    async def close(self) -> None:
        """Stops listening here; a duplicate of the socket that a supervisor keeps goes on."""
        tasks = [self._accepting, *self._connections]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._socket.close()

    async def _accept(self) -> None:
        concerns(self.launch)
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, _ = await loop.sock_accept(self._socket)
            except OSError as error:
                # Out of descriptors, mostly: the waiting connections stay in the backlog meanwhile.
                log.error("door of %s cannot accept: %s", self.launch, error)
                await asyncio.sleep(0.2)
                continue
            owner = owner_of_peer(sock)
            if owner not in self._accounts:
                log.warning("door of %s: refused a connection of account %s", self.launch, owner)
                sock.close()
                continue
            task = asyncio.create_task(self._serve(sock))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

    async def _serve(self, sock: socket.socket) -> None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            reader, writer = await asyncio.open_connection(sock=sock)
        except OSError:
            sock.close()
            return
        whole = False
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                first = await _read_to(b"\n", reader)
            if not self._is_ours(first):
                log.warning("door of %s: somebody was led here who asks for something else", self.launch)
                await self._answer(first, reader, writer, _ANOTHER)
                whole = True
                return
            link = await self._find_link()
            inside = None
            if link is not None:
                with suppress(SampanError):
                    inside = await link.open_server()
            if link is None or inside is None:
                await self._answer(first, reader, writer, self._explain(self.launch))
                whole = True
            else:
                inside[1].write(first)
                whole = await splice((reader, writer), inside, link.closed)
        except (OSError, EOFError, ValueError) as error:
            log.debug("door of %s: a connection ended: %r", self.launch, error)
        finally:
            await _close(writer, whole)

    async def _find_link(self) -> Link | None:
        """The link there is, or the one that comes back while we can reasonably wait."""
        link = self._living()
        if link is None and time.monotonic() < self._expected_until:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._linked.wait(), PATIENCE)
            link = self._living()
        return link

    def _living(self) -> Link | None:
        if self._link is not None and self._link.closed.is_set():
            self._link = None
            self._linked.clear()
            self._expected_until = time.monotonic() + EXPECTED
        return self._link

    def _is_ours(self, first: bytes) -> bool:
        """Whether the request that begins like that is for the server behind this door."""
        words = first.partition(b"\n")[0].decode("latin-1").split(" ")
        path = unquote(words[1].partition("?")[0]) if len(words) > 1 else ""
        return f"{path}/".startswith(self._prefix)

    async def _answer(
        self,
        first: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        told: tuple[Message, int],
    ) -> None:
        async with asyncio.timeout(HEAD_SECONDS):
            head = await _read_to(b"\r\n\r\n", reader, first)
        message, progress = told
        writer.write(door_answer(head.partition(b"\r\n\r\n")[0], message, progress, self._home))
        await writer.drain()
        writer.write_eof()
        # Closing with unread bytes would reset the connection and take the answer with it.
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                while await reader.read(64 * 1024):
                    pass


async def _close(writer: asyncio.StreamWriter, whole: bool) -> None:
    """In order, after what was written has gone out; or as a reset, so that nobody takes a part for the whole."""
    if whole:
        writer.close()
        with suppress(OSError, TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), CLOSE_SECONDS)
    else:
        with suppress(OSError):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


async def _read_to(end: bytes, reader: asyncio.StreamReader, head: bytes = b"") -> bytes:
    """What comes first, up to that end at least; as much of it as fits where it is too long."""
    while end not in head and len(head) < LARGEST_HEAD:
        part = await reader.read(LARGEST_HEAD - len(head))
        if not part:
            break
        head += part
    return head
