"""The sockets of a kernel elsewhere as they are here, from the first moment on and whoever is behind them.

Jupyter's clients connect at once. While there is no kernel yet, a stand-in answers for it and keeps what is to be run; then
messages are led to the kernel and back. The keys of the sockets here are this process's own, those of the job stay with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import zmq
from zmq.asyncio import Context, Socket

from sampan.messages import Language, Message
from sampan_kernels import news, stand_in
from sampan_kernels.cells import Cells
from sampan_kernels.connection import PORTS, Connection
from sampan_kernels.kept import Kept
from sampan_kernels.parcel import OURS, Parcel
from sampan_kernels.seen import Seen

__all__ = ["Relay"]

TALK: Final = ("shell", "control", "stdin")
MANY: Final = 100_000
"""Messages that wait for whoever reads slowly, before any is lost."""
LOST: Final = 3.0
"""Seconds after which a reply that did not come with the rest of its cell is taken for lost."""
log = logging.getLogger(__name__)


class Relay:
    """One kernel's. Made, used and closed on one event loop.

    It waits, leads, or is over; `hold` makes it wait again. Messages of clients are led on in the order in which they came.
    """

    def __init__(self, folder: Path, seen: Seen, kept: Kept, language: Language) -> None:
        self._folder, self._seen, self._kept, self._language = folder, seen, kept, language
        self._ours = Connection.make(folder / "kernel")
        self._context = Context()
        self._context.setsockopt(zmq.LINGER, 0)
        self._here: dict[str, Socket] = {}
        self._there: dict[str, Socket] = {}
        self._key = ""
        self._leads = False
        self._over: Message | None = None
        self._news: Mapping[str, Any] | None = None
        self._info: dict[str, Any] | None = None
        self._status = "starting"
        self._cells = Cells(seen)
        self._met = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ways: list[asyncio.Task[None]] = []
        self._open()

    @property
    def connection(self) -> dict[str, Any]:
        """As Jupyter is told it."""
        return self._ours.to_json()

    @property
    def leads(self) -> bool:
        return self._leads

    def _open(self) -> None:
        kinds = {"shell": zmq.ROUTER, "control": zmq.ROUTER, "stdin": zmq.ROUTER, "hb": zmq.ROUTER}
        for name in PORTS:
            socket = self._context.socket(kinds.get(name, zmq.PUB))
            _secure(socket, self._ours.public, self._ours.secret)
            socket.curve_server = True
            socket.sndhwm = MANY
            if name in kinds:
                # A page that reconnects is the same one, also where the end of its first connection is not noticed yet.
                socket.router_handover = 1
            socket.bind(f"ipc://{self._folder / name}")
            self._here[name] = socket
        self.show()
        self._spawn(self._beat())
        for name in TALK:
            self._spawn(self._hear_clients(name))

    def show(self) -> None:
        """Shows the sockets under the names that Jupyter knows, also after it has removed them: it does so at each restart."""
        for name, number in PORTS.items():
            with suppress(FileExistsError):
                Path(f"{self._ours.ip}-{number}").symlink_to(self._folder / name)

    async def lead(self, ip: str, keys: Mapping[str, str], identity: str) -> None:
        """Leads to the kernel whose sockets are at `ip` from now on, once anybody speaks here: who listens misses nothing."""
        self._part()
        self._key, self._over = keys["key"], None
        self._ways.append(self._spawn(self._meet(ip, dict(keys), identity)))

    async def _meet(self, ip: str, keys: Mapping[str, str], identity: str) -> None:
        await self._met.wait()
        for name in (*TALK, "iopub"):
            socket = self._context.socket(zmq.SUB if name == "iopub" else zmq.DEALER)
            _secure(socket, keys["curve_publickey"], keys["curve_secretkey"])
            socket.curve_serverkey = keys["curve_publickey"].encode()
            socket.rcvhwm = MANY
            if name == "iopub":
                socket.subscribe(b"")
            else:
                # The kernel asks for input whoever is called on stdin as the one that asked on shell.
                socket.identity = identity.encode()
            socket.connect(f"ipc://{ip}-{PORTS[name]}")
            self._there[name] = socket
            self._ways.append(self._spawn(self._hear_kernel(name, socket)))
        self._status, self._leads = "busy", True
        await self._say_state()
        # What it says of itself it says when it is free.
        ask = Parcel.make("kernel_info_request", {}, {}, (OURS.encode(),))
        await self._there["shell"].send_multipart(ask.frames(self._key))
        while self._kept:
            name, parcel = self._kept.first()
            await self._lead_on(name, parcel)

    def hold(self) -> None:
        """The kernel is about to be replaced by another one: what comes meanwhile waits for that, what went to this one is gone."""
        self._part()
        self._cells.clear()
        self._status = "starting"

    def _part(self) -> None:
        self._leads = False
        for task in self._ways:
            task.cancel()
        for socket in self._there.values():
            socket.close()
        self._ways.clear()
        self._there.clear()

    async def tell(self, told: Mapping[str, Any]) -> None:
        """How the launch is; told again to each page that comes."""
        self._news = told
        await self._say_state()

    async def interrupt(self) -> None:
        """What waits to be run is not run."""
        for _, parcel in self._kept.take("execute_request"):
            await self._send_all(stand_in.answer_interrupted(parcel))

    async def end(self, why: Message) -> None:
        """There will be no kernel (any more): said to whoever waits for one."""
        self._part()
        self._over, self._status = why, "dead"
        for parcel in (*self._cells.asked(), *(parcel for _, parcel in self._kept.take())):
            await self._refuse(parcel)
        await self._say_state()

    async def close(self) -> None:
        self._part()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._context.destroy(linger=0)

    # From clients

    async def _beat(self) -> None:
        heart = self._here["hb"]
        while True:
            await heart.send_multipart(await heart.recv_multipart())

    async def _hear_clients(self, name: str) -> None:
        socket = self._here[name]
        while True:
            parcel = Parcel.open(await socket.recv_multipart(), self._ours.key)
            if parcel is None:
                log.warning("a message on %s is not signed", name)
                continue
            if parcel.kind == "kernel_info_request" and await self._answers_info(name, parcel):
                continue
            if parcel.kind == "shutdown_request" and not self._leads:
                # Of what is not there, as at a restart: the kernel that comes later was not meant.
                await self._send_all(stand_in.answer_shutdown(parcel, name))
                continue
            self._met.set()
            if self._over is not None:
                await self._refuse(parcel)
            elif self._leads and not self._kept:
                await self._lead_on(name, parcel)
            else:
                self._kept.add((name, parcel))

    async def _answers_info(self, name: str, asked: Parcel) -> bool:
        """Who only looks whether somebody is there is answered here: a kernel that computes would let them wait."""
        named = not asked.address[0].startswith(b"\0")
        if named:
            self._met.set()
            if self._leads:
                await self._say_state()
                return False
        await self._send_all(stand_in.answer_info(asked, name, self._info))
        if named:
            await self._say_state()
        return True

    async def _lead_on(self, name: str, parcel: Parcel) -> None:
        if parcel.kind == "execute_request":
            self._cells.begin(parcel)
        await self._there[name].send_multipart(parcel.frames(self._key))

    async def _refuse(self, parcel: Parcel) -> None:
        if parcel.kind == "execute_request" and self._over is not None:
            await self._send_all(stand_in.answer_refused(parcel, self._over, self._language))

    # From the kernel

    async def _hear_kernel(self, name: str, socket: Socket) -> None:
        while True:
            parcel = Parcel.open(await socket.recv_multipart(), self._key)
            if parcel is None or parcel.kind == "iopub_welcome":
                continue
            if name == "iopub":
                again = self._seen.add(parcel.id)
                # A reply may be missing of what was published before: whoever was to send it was killed.
                if parcel.parent.get("msg_type") == "execute_request" and self._cells.note(parcel):
                    self._spawn(self._make_up(parcel.parent))
                if again:
                    continue
                if parcel.kind == "status":
                    self._status = str(parcel.content.get("execution_state"))
                if parcel.parent.get("session") == OURS:
                    await self._say_state()
                    continue
            elif parcel.kind == "execute_reply":
                self._cells.replied(str(parcel.parent.get("msg_id")))
            elif parcel.kind == "kernel_info_reply":
                self._info = parcel.content
                if parcel.parent.get("session") == OURS:
                    continue
            await self._send_all([(name, parcel)])

    async def _make_up(self, asked: Mapping[str, Any]) -> None:
        await asyncio.sleep(LOST)
        ended = self._cells.lost(str(asked.get("msg_id")))
        if ended is not None:
            await self._send_all(stand_in.answer_made_up(asked, *ended))

    # To clients

    async def _say_state(self) -> None:
        """How the launch is and what state the kernel is in: to everybody who listens."""
        if self._news is not None:
            await self._send_all([("iopub", Parcel.make(news.KIND, self._news, {}, (news.KIND.encode(),)))])
        await self._send_all([("iopub", stand_in.state(self._status))])

    async def _send_all(self, said: Iterable[tuple[str, Parcel]]) -> None:
        for name, parcel in said:
            await self._here[name].send_multipart(parcel.frames(self._ours.key))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the relay of a kernel has failed", exc_info=error)


def _secure(socket: Socket, public: str, secret: str) -> None:
    socket.curve_publickey, socket.curve_secretkey = public.encode(), secret.encode()
