"""The one authenticated, encrypted connection from the broker to an attempt's launcher."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import asyncssh

from sampan.errors import Refused, Unavailable, Unreachable
from sampan_hub.greeting import Greeting, parse_greeting
from sampan_hub.kernel_sockets import place_of, read_keys
from sampan_hub.report import Report
from sampan_hub.ssh_manners import MANNERS
from sampan_hub.transports import Reaches

__all__ = ["Link", "Status", "open_link"]

USER: Final = "sampan"
SUBSYSTEM: Final = "sampan"
LONGEST_LINE: Final = 256 * 1024
_ENDED: Final = None
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Status:
    """What the launcher says of its child. `ready`: it can be spoken to. `exit`: negative for a signal."""

    pid: int | None = None
    running: bool = False
    exit: int | None = None
    ready: bool = False


async def open_link(
    centre: Reaches,
    host: str,
    report: Report,
    *,
    tag: str,
    key: asyncssh.SSHKey,
    hub: tuple[str, int],
    broker: tuple[str, int],
    deadline: float = 10.0,
) -> Link:
    """Connects to the launcher that `report` tells of, at `host`; checks that it is the one; brings it `hub` and `broker`.

    Both are addresses (host, port) on this machine; the job sees them as `hub.sock` and `broker.sock`. Opening again
    while the server lives is how a lost link comes back. Raises `Unreachable` (the way is cut), `Unavailable` (no answer
    in `deadline` seconds), `Refused` (another host key, or a greeting of something else).
    """
    try:
        async with asyncio.timeout(deadline):
            connection = await _connect(centre, host, report, key, deadline)
            try:
                return await _greet(connection, report, tag, hub, broker)
            except BaseException:
                connection.abort()
                raise
    except TimeoutError as error:
        raise Unavailable("link.timeout", str(error), seconds=round(deadline)) from error
    except (asyncssh.HostKeyNotVerifiable, asyncssh.PermissionDenied) as error:
        raise Refused("link.identity", str(error)) from error
    except ValueError as error:
        raise Refused("link.greeting", str(error), field="line") from error
    except (EOFError, OSError, asyncssh.Error) as error:
        raise Unreachable("link.cut", f"{type(error).__name__}: {error}") from error


async def _connect(
    centre: Reaches, host: str, report: Report, key: asyncssh.SSHKey, deadline: float
) -> asyncssh.SSHClientConnection:
    options = asyncssh.SSHClientConnectionOptions(
        username=USER,
        known_hosts=([asyncssh.import_public_key(report.host_key)], [], []),
        server_host_key_algs=["ssh-ed25519"],
        client_keys=[key],
        keepalive_interval=10,
        keepalive_count_max=3,
        login_timeout=deadline,
        **MANNERS,
    )
    return await centre.reach(host, report.port, options, deadline=deadline)


async def _greet(
    connection: asyncssh.SSHClientConnection,
    report: Report,
    tag: str,
    hub: tuple[str, int],
    broker: tuple[str, int],
) -> Link:
    writer, reader, _ = await connection.open_session(subsystem=SUBSYSTEM, encoding=None)
    greeting = parse_greeting(await _line(reader), tag=tag, report=report)
    # Before anything is started: a single-user server asks the hub in its first second and ends without an answer.
    for name, (host, port) in (("hub", hub), ("broker", broker)):
        await connection.forward_remote_path_to_port(f"{greeting.sockets}/{name}.sock", host, port)
    return Link(connection, reader, writer, greeting)


class Link:
    """A talk with one launcher, and streams to its server. Made by :func:`open_link`; not used again once closed."""

    def __init__(
        self,
        connection: asyncssh.SSHClientConnection,
        reader: asyncssh.SSHReader[bytes],
        writer: asyncssh.SSHWriter[bytes],
        greeting: Greeting,
    ) -> None:
        self.greeting = greeting
        self.closed = asyncio.Event()
        """Set once, when the link is lost or closed."""
        self._connection = connection
        self._reader = reader
        self._writer = writer
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._events: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._number = 0
        self._task = asyncio.create_task(self._listen())

    async def start(
        self, kind: str, prefix: str, env: Mapping[str, str], *, deadline: float = 20.0
    ) -> Status:
        """Starts the attempt's one child, or tells of the one that was started before. `env` goes to memory, not to disk."""
        return _status(await self._ask("start", deadline, kind=kind, prefix=prefix, env=dict(env)))

    async def restart(self, *, deadline: float = 20.0) -> Status:
        """Ends the attempt's kernel where it still runs, and starts it again in the same job."""
        return _status(await self._ask("restart", deadline))

    async def status(self, *, deadline: float = 10.0) -> Status:
        return _status(await self._ask("status", deadline))

    async def keys(self, *, deadline: float = 10.0) -> dict[str, str]:
        """The kernel's keys, as Jupyter names them: `key`, `signature_scheme`, `curve_…`. For its owner alone, not for a log."""
        return read_keys(await self._ask("connection", deadline))

    async def log(self, size: int = 4096, *, deadline: float = 10.0) -> str:
        """The last `size` bytes of the job's output, as text."""
        return _text(await self._ask("log", deadline, bytes=size), "text") or ""

    async def signal(self, name: str, *, deadline: float = 10.0) -> None:
        """Sends INT, TERM or KILL to the child."""
        await self._ask("signal", deadline, signal=name)

    async def identity(self, *, deadline: float = 10.0) -> str | None:
        """The JupyterHub token that the running server was started with; None before one was."""
        return _text(await self._ask("identity", deadline), "api_token")

    async def stop(self, *, deadline: float = 10.0) -> None:
        """Asks the launcher to end the child and itself. Returns once it has agreed; the scheduler says when it is done."""
        await self._ask("stop", deadline)

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """What the launcher says unasked, until the link closes: `{"event": "ready"}`, `{"event": "exit", "code", "tail"}`,
        and `{"event": "again"}` for a server that was killed and is started again there.

        For one listener. Values are the job's own word: `code` is a number or None, `tail` text.
        """
        while (event := await self._events.get()) is not _ENDED:
            yield event
        self._events.put_nowait(_ENDED)

    async def open_server(
        self, *, deadline: float = 5.0
    ) -> tuple[asyncssh.SSHReader[bytes], asyncssh.SSHWriter[bytes]]:
        """A new stream to the server's socket; `Unavailable` while nobody listens there."""
        return await self._open("server.sock", "link.server", deadline)

    async def open_kernel(
        self, name: str, *, deadline: float = 5.0
    ) -> tuple[asyncssh.SSHReader[bytes], asyncssh.SSHWriter[bytes]]:
        """A new stream to the kernel's socket of that name, see :mod:`kernel_sockets`; `Unavailable` while nobody listens there."""
        return await self._open(place_of(name), "link.kernel", deadline)

    async def _open(
        self, place: str, code: str, deadline: float
    ) -> tuple[asyncssh.SSHReader[bytes], asyncssh.SSHWriter[bytes]]:
        try:
            async with asyncio.timeout(deadline):
                return await self._connection.open_unix_connection(f"{self.greeting.sockets}/{place}")
        except (TimeoutError, OSError, asyncssh.Error) as error:
            raise Unavailable(code, f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Lets go of the launcher; what runs there goes on."""
        self._connection.abort()
        await self.closed.wait()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _ask(self, verb: str, deadline: float, **fields: Any) -> dict[str, Any]:
        if self.closed.is_set():
            raise Unreachable("link.cut", "closed")
        self._number += 1
        number = self._number
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._writer.write(json.dumps({"id": number, "do": verb, **fields}).encode() + b"\n")
            async with asyncio.timeout(deadline):
                got = await answer
        except TimeoutError as error:
            raise Unavailable("link.timeout", verb, seconds=round(deadline)) from error
        except (OSError, asyncssh.Error) as error:
            raise Unreachable("link.cut", f"{type(error).__name__}: {error}") from error
        finally:
            self._waiting.pop(number, None)
        if got.get("ok") is not True:
            raise Refused("link.refused", f"{verb}: {str(got.get('error'))[:500]}")
        return got

    async def _listen(self) -> None:
        """Hands each line to whoever waits for it, until the other side is gone or talks nonsense."""
        why = "closed by the other side"
        try:
            while True:
                message = json.loads(await _line(self._reader))
                if not isinstance(message, dict):
                    raise ValueError("not an object")
                if "event" in message:
                    self._events.put_nowait(_event(message))
                elif (answer := self._waiting.get(message.get("id", 0))) and not answer.done():
                    answer.set_result(message)
        except (EOFError, OSError, RecursionError, TypeError, ValueError, asyncssh.Error) as error:
            why = f"{type(error).__name__}: {error}"
        finally:
            self._connection.abort()
            self.closed.set()
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(Unreachable("link.cut", why))
            self._events.put_nowait(_ENDED)
            log.info("link to %s on %s ended: %s", self.greeting.tag, self.greeting.node, why)


async def _line(reader: asyncssh.SSHReader[bytes]) -> bytes:
    line = await reader.readline()
    if not line.endswith(b"\n"):
        raise EOFError("the other side has ended the talk")
    if len(line) > LONGEST_LINE:
        raise ValueError("a line too long")
    return line


def _status(answer: Mapping[str, Any]) -> Status:
    """The job's own word: shapes are held, and what does not hold is refused."""
    child, ready = answer.get("child"), answer.get("ready") is True
    if child is None:
        return Status(ready=ready)
    if not isinstance(child, dict):
        raise Refused("link.refused", "child is not an object")
    pid, code = child.get("pid"), child.get("exit")
    if type(pid) is not int or not (code is None or type(code) is int):
        raise Refused("link.refused", "pid and exit are not numbers")
    return Status(pid=pid, running=child.get("running") is True, exit=code, ready=ready)


def _text(answer: Mapping[str, Any], name: str) -> str | None:
    value = answer.get(name)
    return value if isinstance(value, str) else None


def _event(message: Mapping[str, Any]) -> dict[str, Any]:
    """Only the events and fields that we know."""
    if message["event"] == "exit":
        code = message.get("code")
        return {
            "event": "exit",
            "code": code if type(code) is int else None,
            "tail": _text(message, "tail") or "",
        }
    return {"event": message["event"] if message["event"] in ("ready", "again") else "unknown"}
