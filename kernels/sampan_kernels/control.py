"""The launcher's side of the link: who may come in, what may be opened, and the talk in lines of JSON."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final, Protocol

import asyncssh

from sampan_kernels.berth import Berth

__all__ = ["SUBSYSTEM", "USER", "Control", "Handler", "Office"]

USER: Final = "sampan"
SUBSYSTEM: Final = "sampan"
LONGEST_LINE: Final = 1024 * 1024
log = logging.getLogger(__name__)

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class Office(Protocol):
    """Whom the link's server asks; the launcher."""

    berth: Berth
    client_key: asyncssh.SSHKey

    def greeting(self) -> dict[str, Any]: ...

    def sockets(self) -> Collection[str]: ...

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]: ...

    def arrived(self, control: Control) -> None: ...

    def left(self, control: Control) -> None: ...


class Control(asyncssh.SSHServer):
    """One connection. It may open the subsystem and this session's sockets: no shell, no command, no file, no TCP."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._talks: list[Talk] = []
        self.connection: asyncssh.SSHServerConnection | None = None
        self.admitted = False

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connection = conn

    def connection_lost(self, exc: Exception | None) -> None:
        if self.admitted:
            log.info("the link is gone: %s", exc or "closed")
        self._office.left(self)

    def begin_auth(self, username: str) -> bool:
        return True  # always asked, whoever it is

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        ours = hmac.compare_digest(key.public_data, self._office.client_key.public_data)
        if not (ours and username == USER):
            peer = self.connection.get_extra_info("peername") if self.connection else None
            log.warning("refused a stranger from %s", peer)
        return ours and username == USER

    def auth_completed(self) -> None:
        self.admitted = True
        self._office.arrived(self)

    def session_requested(self) -> asyncssh.SSHServerSession[bytes]:
        talk = Talk(self._office)
        self._talks.append(talk)
        return talk

    def unix_connection_requested(self, dest_path: str) -> bool:
        return dest_path in self._office.sockets()

    def unix_server_requested(self, listen_path: str) -> bool:
        # A socket that an earlier, lost link left behind is replaced: asyncio removes it before it binds.
        return listen_path in (str(self._office.berth.hub), str(self._office.berth.broker))

    def tell(self, event: dict[str, Any]) -> None:
        """Sends an event to whoever talks on this connection."""
        for talk in self._talks:
            talk.say(event)

    def replace(self) -> None:
        """Ends the connection at once, for a newer one of the same client."""
        if self.connection is not None:
            self.connection.abort()

    async def close(self) -> None:
        """Ends the connection after what was said has gone out, as far as that works in a few seconds."""
        if self.connection is None:
            return
        for talk in self._talks:
            talk.finish()
        self.connection.close()
        try:
            await asyncio.wait_for(self.connection.wait_closed(), 3)
        except TimeoutError:
            self.connection.abort()


class Talk(asyncssh.SSHServerSession[bytes]):
    """The subsystem: a greeting, then one answer for each line, in order; events in between."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._rest = b""
        self._lines: asyncio.Queue[bytes] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    def connection_lost(self, exc: Exception | None) -> None:
        self._channel = None
        if self._task is not None:
            self._task.cancel()

    def subsystem_requested(self, subsystem: str) -> bool:
        return subsystem == SUBSYSTEM

    def session_started(self) -> None:
        self.say({"hello": self._office.greeting()})
        self._task = asyncio.get_running_loop().create_task(self._work())

    def data_received(self, data: bytes, datatype: int | None) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._lines.put_nowait(line)
        if len(self._rest) > LONGEST_LINE:
            self.finish()

    def say(self, message: dict[str, Any]) -> None:
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write(json.dumps(message).encode() + b"\n")

    def finish(self) -> None:
        if self._channel is not None:
            self._channel.close()

    async def _work(self) -> None:
        while True:
            line = await self._lines.get()
            self.say(await self._answer(line))

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            if not isinstance(request, dict) or type(request.get("id")) is not int:
                raise ValueError("an object with a number as id")
        except ValueError as error:
            return {"id": None, "ok": False, "error": f"not a request: {error}"}
        try:
            return {"id": request["id"], "ok": True, **await self._office.answer(request)}
        except (KeyError, TypeError, ValueError, OSError) as error:
            return {"id": request["id"], "ok": False, "error": f"{type(error).__name__}: {error}"}
