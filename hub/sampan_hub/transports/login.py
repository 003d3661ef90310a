"""One account's connection to a centre's login node: made when it is wanted, kept while it is, made again when it was lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

import asyncssh

from sampan.errors import SampanError, Unavailable, Unreachable
from sampan.messages import Message
from sampan_hub.breaker import Breaker
from sampan_hub.credentials import Credential, Credentials
from sampan_hub.descriptor import Endpoint
from sampan_hub.ssh_manners import MANNERS

__all__ = ["Line", "Login"]

log = logging.getLogger(__name__)

CONNECT: Final = 10.0
"""Seconds for a connection, from the first packet to an open door."""
WAITS: Final = (0.3, 5.0)
"""Seconds after a failed connect in which nobody tries again: the first time, and at most."""
SESSIONS: Final = 8
"""Commands at once on one connection: sshd's MaxSessions is 10, one is the terminal's, and one is for the stragglers."""
IDLE: Final = ("sleep", "infinity")
KEEPALIVE: Mapping[str, float] = {"keepalive_interval": 5, "keepalive_count_max": 3}
_HOST_KEYS: Final = (
    "ssh-ed25519",
    *(f"ecdsa-sha2-nistp{bits}" for bits in (256, 384, 521)),
    *("rsa-sha2-512", "rsa-sha2-256"),
)


class Line:
    """An open connection, and how many are on it. Closed by the last one who leaves, once it is `retired`."""

    def __init__(self, connection: asyncssh.SSHClientConnection, credential: Credential) -> None:
        self.connection = connection
        self.credential = credential
        self.sessions = asyncio.Semaphore(SESSIONS)
        self.uses = 0
        self.retired = False

    @property
    def open(self) -> bool:
        return not self.connection.is_closed()

    def leave(self) -> None:
        self.uses -= 1
        if self.retired and not self.uses:
            self.connection.close()

    def retire(self) -> None:
        """Takes nobody on any more."""
        self.retired = True
        if not self.uses:
            self.connection.close()


class Login:
    """`lasting`: kept for good, with a terminal open on it; otherwise closed after `linger` seconds without use."""

    def __init__(
        self,
        endpoint: Endpoint,
        name: Message,
        account: str,
        credentials: Credentials,
        *,
        linger: float = 45.0,
        lasting: bool = False,
    ) -> None:
        self.account = account
        self._pinned = [asyncssh.import_public_key(key) for key in endpoint.host_keys]
        self._endpoint = endpoint
        self._name = name
        self._credentials = credentials
        self._linger = linger
        self._lasting = lasting
        self._line: Line | None = None
        self._credential: Credential | None = None
        self._making: asyncio.Task[Line] | None = None
        # Whatever went wrong: nobody has a connection then.
        self._breaker = Breaker(lambda error: True, most=1, waits=WAITS)
        self._closing: asyncio.TimerHandle | None = None
        self._terminals: set[asyncio.Task[None]] = set()

    @property
    def idle(self) -> bool:
        """Whether nobody is on it, nor waits for it."""
        return self._making is None and (self._line is None or not self._line.uses)

    @property
    def connected(self) -> bool:
        return self._line is not None and self._line.open

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        """The connection, held while it is used. Raises `Unreachable`, `Unavailable`, `Forbidden`, as it came about."""
        line = await self._open()
        line.uses += 1
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        try:
            yield line
        finally:
            self.leave(line)

    def leave(self, line: Line) -> None:
        """For whoever took a further place on the line (`uses`) and does not need it any more."""
        line.leave()
        if line is self._line and not line.uses:
            self._linger_from_now()

    def _linger_from_now(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
        if not self._lasting:
            self._closing = asyncio.get_running_loop().call_later(self._linger, self.hang_up)

    def hang_up(self) -> None:
        """Closes the connection, unless somebody is on it."""
        self._closing = None
        if self._line is not None and not self._line.uses:
            self._line.retire()
            self._line = None

    async def _open(self) -> Line:
        """The line that is open; made by one for all who want it. After a failure nobody tries for a while."""
        line = self._line
        if line is not None and line.open and (self._lasting or line.credential.good):
            return line
        if self._making is None:
            if (why := self._breaker.shut) is not None:
                raise type(why)(why.code, why.cause, **why.message.params)
            self._making = asyncio.create_task(self._attempt(), name=f"login as {self.account}")
            self._making.add_done_callback(self._made)
        return await asyncio.shield(self._making)

    def _made(self, making: asyncio.Task[Line]) -> None:
        self._making = None
        if making.cancelled() or making.exception() is not None:
            return
        if self._line is not None:
            self._line.retire()
        self._line = making.result()
        self._linger_from_now()

    async def _attempt(self) -> Line:
        with self._breaker.attempt():
            return await self._make()

    async def _make(self) -> Line:
        host, port = self._endpoint.host or "", self._endpoint.port or 22
        if self._credential is None or not self._credential.good:
            self._credential = await self._credentials.fetch(self.account)
        credential, shown = self._credential, _Witness()
        try:
            async with asyncio.timeout(CONNECT):
                connection = await asyncssh.connect(
                    host, port, options=self._options(credential), client_factory=lambda: shown
                )
        except asyncssh.HostKeyNotVerifiable as error:
            raise Unavailable("centre.host_key", str(error), centre=self._name, shown=shown.key) from error
        except asyncssh.PermissionDenied as error:
            # It may be good for nothing any more: a new key signs, or the centre has taken this one back.
            self._credential = None
            raise Unavailable("centre.login", str(error), centre=self._name, account=self.account) from error
        except (TimeoutError, OSError, asyncssh.Error) as error:
            cause = f"{host}:{port}: {type(error).__name__}: {error}"
            raise Unreachable("centre.unreachable", cause, centre=self._name) from error
        try:
            if self._lasting:
                await self._quicken(connection)
        except BaseException:
            connection.abort()
            raise
        return Line(connection, credential)

    def _options(self, credential: Credential) -> asyncssh.SSHClientConnectionOptions:
        pinned = self._pinned
        kinds = [name.decode() for key in pinned for name in key.sig_algorithms]
        return asyncssh.SSHClientConnectionOptions(
            username=self.account,
            known_hosts=(pinned, [], []),
            # The pinned kinds first, so that a host with several shows that one; the others, so that it shows any at all.
            server_host_key_algs=[
                *dict.fromkeys((*(kind for kind in kinds if kind in _HOST_KEYS), *_HOST_KEYS))
            ],
            client_keys=[credential.key],
            login_timeout=CONNECT,
            **KEEPALIVE,
            **MANNERS,
        )

    async def _quicken(self, connection: asyncssh.SSHClientConnection) -> None:
        """A terminal, before anything else: with one, sshd switches Nagle's algorithm off for the whole connection."""
        try:
            async with asyncio.timeout(CONNECT):
                process = await connection.create_process(
                    " ".join(IDLE), term_type="dumb", stdin=asyncssh.DEVNULL, stdout=asyncssh.DEVNULL
                )
        except (TimeoutError, OSError, asyncssh.Error) as error:
            log.warning("no terminal as %s: what is typed will come in bursts: %s", self.account, error)
            return
        waiting = asyncio.create_task(_until_gone(process))
        self._terminals.add(waiting)
        waiting.add_done_callback(self._terminals.discard)

    def lost(self, line: Line) -> None:
        """Nobody is given this line any more."""
        if self._line is line:
            self._line = None
        line.retire()

    async def close(self) -> None:
        """Takes nobody on any more; whoever is on the line may stay to the end."""
        if self._closing is not None:
            self._closing.cancel()
        if self._making is not None:
            self._making.cancel()
            with suppress(asyncio.CancelledError, SampanError):
                await self._making
        line, self._line = self._line, None
        if line is not None:
            line.retire()
            if not line.uses:
                with suppress(TimeoutError):
                    async with asyncio.timeout(2):
                        await line.connection.wait_closed()


class _Witness(asyncssh.SSHClient):
    """Remembers the key that a host showed, if it is none of those that are pinned."""

    key = "?"

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.key = f"{key.get_algorithm()} {key.get_fingerprint()}"
        return False


async def _until_gone(process: asyncssh.SSHClientProcess[str]) -> None:
    with suppress(OSError, asyncssh.Error):
        await process.wait_closed()
