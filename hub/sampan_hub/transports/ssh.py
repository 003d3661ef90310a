"""The transport to a login node over SSH: as the service account for all, as a person with a certificate of minutes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import asyncssh

from sampan.errors import Invalid, Unavailable, Unreachable
from sampan.messages import Message, text
from sampan_hub.asks import MOST, Completed
from sampan_hub.command_line import WORD, command_line
from sampan_hub.credentials import Credentials
from sampan_hub.descriptor import Descriptor
from sampan_hub.transports.login import Line, Login
from sampan_hub.transports.remote_command import NotStartedError, RemoteCommand, TooMuchError

__all__ = ["SshTransport"]

PEOPLE: Final = 128
"""Connections as people that are kept at once; the one that was used longest ago goes first. Where nobody may see others'
jobs, each person who waits is asked about each second."""
_FULL: Final = 0.05
"""Seconds after which a session is asked for again, where the centre has no more at once on one connection."""


class SshTransport:
    """Commands and tunnels of the service account on one kept connection; each person's on one of their own.

    `signer`: the socket of the signer. `shape`: what an argument may look like.
    """

    def __init__(
        self, centre: Descriptor, signer: Path | None, *, linger: float = 45.0, shape: re.Pattern[str] = WORD
    ) -> None:
        _check(centre)
        self._name = text(centre.names.model_dump())
        self._endpoint = centre.endpoint
        self._credentials = Credentials(signer, centre.id)
        self._linger = linger
        self._shape = shape
        account = centre.endpoint.service_account or ""
        self._service = Login(centre.endpoint, self._name, account, self._credentials, lasting=True)
        self._people: dict[str, Login] = {}
        self._tunnels: dict[asyncio.Task[None], asyncssh.SSHClientConnection] = {}

    async def run(
        self,
        argv: Sequence[str],
        stdin: bytes = b"",
        *,
        account: str | None = None,
        deadline: float = 10.0,
        most: int = MOST,
    ) -> Completed:
        """See `Transport.run`. An argument of another shape than `shape` is `Invalid`."""
        words = command_line(argv, self._shape)
        login, on_line = self._login(account), False
        try:
            async with asyncio.timeout(deadline):
                for _ in range(2):
                    on_line = False
                    async with login.line() as line:
                        on_line = True
                        try:
                            return await self._run(line, words, stdin, most)
                        except NotStartedError:
                            login.lost(line)
        except TimeoutError as error:
            cause = " ".join(argv[:4])
            if not on_line:
                raise Unreachable(
                    "centre.unreachable", f"{cause}: no connection", centre=self._name
                ) from error
            seconds = round(deadline, 1)
            raise Unavailable("centre.timeout", cause, centre=self._name, seconds=seconds) from error
        except (OSError, asyncssh.Error) as error:
            raise self._cut(error) from error
        raise Unreachable("centre.unreachable", "lost twice before it began", centre=self._name)

    async def _run(self, line: Line, words: str, stdin: bytes, most: int) -> Completed:
        """One command on an open line, in one of its places."""
        await line.sessions.acquire()
        try:
            command = await self._start(line, words, stdin, most)
        except BaseException:
            line.sessions.release()
            raise
        command.gone.add_done_callback(lambda _: line.sessions.release())
        try:
            done = await command.result()
        except TooMuchError as error:
            raise Unavailable("centre.no_answer", "too much of it", centre=self._name) from error
        except BaseException:
            command.kill()
            raise
        if done is None:
            if not line.open:
                raise Unreachable("centre.unreachable", command.why, centre=self._name)
            raise Unavailable("centre.no_answer", command.why, centre=self._name)
        return done

    @staticmethod
    async def _start(line: Line, words: str, stdin: bytes, most: int) -> RemoteCommand:
        while True:
            try:
                return await RemoteCommand.start(line.connection, words, stdin, most)
            except asyncssh.ChannelOpenError:
                if not line.open:
                    raise
                # The centre lets fewer at once onto a connection than is usual, or has not yet let the last one go.
                await asyncio.sleep(_FULL)

    async def reach(
        self, host: str, port: int, options: asyncssh.SSHClientConnectionOptions, *, deadline: float = 10.0
    ) -> asyncssh.SSHClientConnection:
        """See `Transport.reach`. What SSH itself finds wrong (another host key, say) is raised as asyncssh's error."""
        try:
            async with asyncio.timeout(deadline), self._service.line() as line:
                connection = await asyncssh.connect(host, port, tunnel=line.connection, options=options)
                self._ride(line, connection)
                return connection
        except TimeoutError as error:
            seconds = round(deadline, 1)
            raise Unavailable("centre.timeout", centre=self._name, seconds=seconds) from error
        except (OSError, asyncssh.ChannelOpenError, asyncssh.ConnectionLost) as error:
            raise self._cut(error) from error

    def _ride(self, line: Line, connection: asyncssh.SSHClientConnection) -> None:
        """A tunnel holds its line: where a centre is described anew, what runs through the old line stays."""
        line.uses += 1

        async def to_the_end() -> None:
            try:
                await connection.wait_closed()
            finally:
                self._service.leave(line)

        riding = asyncio.create_task(to_the_end())
        self._tunnels[riding] = connection
        riding.add_done_callback(self._tunnels.pop)

    def _login(self, account: str | None) -> Login:
        if account is None or account == self._service.account:
            return self._service
        # Taken out and put back: the dict's order is that of the last use.
        login = self._people.pop(account, None) or Login(
            self._endpoint, self._name, account, self._credentials, linger=self._linger
        )
        # Their certificates are kept: whoever comes again needs no further one.
        kept = [other for other in self._people.values() if other.connected]
        for other in [other for other in kept if other.idle][: max(0, len(kept) + 1 - PEOPLE)]:
            other.hang_up()
        self._people[account] = login
        return login

    def _cut(self, error: Exception) -> Unreachable:
        return Unreachable("centre.unreachable", f"{type(error).__name__}: {error}", centre=self._name)

    async def close(self) -> None:
        """See `Transport.close`. Tunnels that are in use keep their connection to their end."""
        # Those that have ended already only need a turn of the loop to let go.
        await asyncio.gather(*(riding for riding, tunnel in self._tunnels.items() if tunnel.is_closed()))
        people, self._people = self._people, {}
        for login in (self._service, *people.values()):
            await login.close()


def _check(centre: Descriptor) -> None:
    """Keys that look like keys may still be none, which would be found out at the first login only."""
    for number, key in enumerate(centre.endpoint.host_keys):
        try:
            asyncssh.import_public_key(key)
        except asyncssh.KeyImportError as error:
            at, expected = f"endpoint.host_keys.{number}", Message("descriptor.host_key")
            raise Invalid(
                "centre.descriptor", str(error), file=centre.id, key=at, expected=expected
            ) from error
