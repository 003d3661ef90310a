"""What a kernel publishes is heard here always, and told on whenever somebody listens: output made meanwhile is not lost."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import zmq
from zmq.asyncio import Context, Socket

from sampan_kernels.connection import PORTS, PRIVATE_IOPUB, Connection
from sampan_kernels.tape import Tape

__all__ = ["Recorder"]

MANY: Final = 100_000
"""Messages that wait here to be recorded, before any is lost."""
ON_THE_WAY: Final = 256
"""Messages that are handed to ZeroMQ ahead of whoever reads slowly: the rest waits on the tape."""
LOOK: Final = 0.005
"""Seconds between two attempts to send to one who reads slowly."""
_RECONNECT_MILLISECONDS: Final = 20
_DELIMITER: Final = b"<IDS|MSG>"
_SUBSCRIBED: Final = 1
log = logging.getLogger(__name__)


class Recorder:
    """One kernel's, over all its restarts. It stands where clients look for iopub, with the kernel's own keys.

    Whoever subscribes hears all of the tape again, as nobody knows how much of it was on its way to somebody who was lost, or
    kept by a server for a page that was asleep, then what comes: the kernel's own messages, in its order. Receivers know
    them by their ids.
    """

    def __init__(self, connection: Connection) -> None:
        self._tape = Tape()
        self._topics: set[bytes] = set()
        self._heard = asyncio.Event()
        self._greets = False
        self._to_send = asyncio.Event()
        self._kernel, self._clients = _kernel_socket(connection), _client_socket(connection)
        work = (self._record(), self._hear_clients(), self._play())
        self._tasks = [asyncio.get_running_loop().create_task(one) for one in work]

    def begin(self) -> None:
        """The kernel is about to be started (again)."""
        self._heard.clear()

    async def hears(self, deadline: float) -> bool:
        """Whether what the kernel says from now on is recorded, as soon as it is; False after `deadline` seconds."""
        try:
            async with asyncio.timeout(deadline):
                return await self._heard.wait()
        except TimeoutError:
            return False

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._kernel.close(linger=0)
        self._clients.close(linger=0)

    async def _record(self) -> None:
        while True:
            frames = await self._kernel.recv_multipart()
            greeting = _welcomes(frames)
            self._greets |= greeting
            # From a kernel that greets, anything else may be its former process's last word.
            if greeting or not self._greets:
                self._heard.set()
            if not greeting:
                self._tape.add(frames)
                self._to_send.set()

    async def _hear_clients(self) -> None:
        """A subscription begins with 1, its end with 0; of one that was lost ZeroMQ says the end."""
        while True:
            said = (await self._clients.recv_multipart())[0]
            if said[:1] == bytes([_SUBSCRIBED]):
                self._topics.add(said[1:])
                self._tape.rewind()
            else:
                self._topics.discard(said[1:])
            self._to_send.set()

    async def _play(self) -> None:
        while True:
            frames = self._tape.look() if self._topics else None
            if frames is None:
                self._to_send.clear()
                await self._to_send.wait()
                continue
            try:
                await self._clients.send_multipart(frames, flags=zmq.DONTWAIT)
            except zmq.Again:
                # That there is room again is not told for this kind of socket.
                await asyncio.sleep(LOOK)
                continue
            self._tape.take()
            await asyncio.sleep(0)


def _kernel_socket(connection: Connection) -> Socket:
    socket = Context.instance().socket(zmq.SUB)
    socket.curve_publickey, socket.curve_secretkey = connection.public.encode(), connection.secret.encode()
    socket.curve_serverkey = connection.public.encode()
    socket.rcvhwm, socket.reconnect_ivl = MANY, _RECONNECT_MILLISECONDS
    socket.subscribe(b"")
    socket.connect(f"ipc://{connection.ip}-{PRIVATE_IOPUB}")
    return socket


def _client_socket(connection: Connection) -> Socket:
    socket = Context.instance().socket(zmq.XPUB)
    socket.curve_publickey, socket.curve_secretkey = connection.public.encode(), connection.secret.encode()
    socket.curve_server = True
    socket.sndhwm = ON_THE_WAY
    # Each subscription is told, not only the first; and a full way is told, rather than a message dropped.
    socket.xpub_verbose, socket.xpub_nodrop = 1, 1
    socket.bind(f"ipc://{connection.ip}-{PORTS['iopub']}")
    return socket


def _welcomes(frames: list[bytes]) -> bool:
    """The kernel's greeting to us as a subscriber. https://github.com/jupyter/enhancement-proposals/pull/65"""
    at = frames.index(_DELIMITER) if _DELIMITER in frames[:2] else len(frames)
    return len(frames) > at + 2 and b'"iopub_welcome"' in frames[at + 2]
