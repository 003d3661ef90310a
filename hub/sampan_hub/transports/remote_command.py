"""One command on an open connection: started once, fed, listened to, and killed when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from typing import Any, Final

import asyncssh

from sampan_hub.asks import MOST, Completed

__all__ = ["NotStartedError", "RemoteCommand", "TooMuchError"]

ENGLISH: Final[tuple[tuple[str | bytes, str | bytes], ...]] = (("LC_ALL", "C.UTF-8"),)
"""What programs say is read, so they say it in English: sshd's AcceptEnv lets this in, or the centre's gate sets it."""
_SIGNALS: Final[Mapping[str, int]] = {number.name.removeprefix("SIG"): number for number in signal.Signals}


class NotStartedError(Exception):
    """The connection was lost before the command can have been started: to say it again is not to say it twice."""


class TooMuchError(Exception):
    """It says more than is read."""


class RemoteCommand(asyncssh.SSHClientSession[bytes]):
    """Made by :meth:`start`; then :meth:`result`, or :meth:`kill`. `gone` is done once nothing is left of it here.

    `most`: bytes of output that are read.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._out, self._err = bytearray(), bytearray()
        self._status: int | None = None
        self._lost: Exception | None = None
        self._too_much = False

    @classmethod
    async def start(
        cls, connection: asyncssh.SSHClientConnection, line: str, stdin: bytes, most: int = MOST
    ) -> RemoteCommand:
        """Raises `NotStartedError` where the connection was lost before, and what asyncssh raises otherwise.

        Whoever stops waiting for the start leaves nothing behind: the command is killed as soon as it is there.
        """
        command = cls(most)
        opening = asyncio.ensure_future(
            connection.create_session(lambda: command, line, env=ENGLISH, encoding=None)
        )
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(lambda done: _let_go(done, command))
            raise
        except (OSError, asyncssh.Error) as error:
            command.abandon()
            if command._channel is None and connection.is_closed():
                raise NotStartedError(str(error)) from error
            raise
        command.feed(stdin)
        return command

    def feed(self, stdin: bytes) -> None:
        """All of its input, and the end of it: a command that reads would wait for ever otherwise."""
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write(stdin)
            self._channel.write_eof()

    async def result(self) -> Completed | None:
        """What it came back with; None where the connection or the command went without saying how it ended."""
        await asyncio.shield(self.gone)
        if self._too_much:
            raise TooMuchError
        if self._status is None:
            return None
        return Completed(
            self._status, self._out.decode("utf-8", "replace"), self._err.decode("utf-8", "replace")
        )

    @property
    def why(self) -> str:
        """What is known of an end that says nothing itself."""
        return str(self._lost or "neither a status nor a signal")

    def kill(self) -> None:
        """Ends it there. sshd sends no signal to a forced command; a gate sees that its output is read no more."""
        if self._channel is not None and not self.gone.done():
            self._channel.kill()
            self._channel.abort()

    def abandon(self) -> None:
        """For a command that was never opened."""
        if self._channel is None and not self.gone.done():
            self.gone.set_result(None)

    # --- what asyncssh calls

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        kept = self._err if datatype == asyncssh.EXTENDED_DATA_STDERR else self._out
        kept += data[: self._most + 1 - len(kept)]
        if len(kept) > self._most:
            self._too_much = True
            self.kill()

    def exit_status_received(self, status: int) -> None:
        self._status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        # As for a process of this machine: negative, the signal's number.
        self._status = -_SIGNALS.get(signal, 99)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = exc
        if not self.gone.done():
            self.gone.set_result(None)


def _let_go(opening: asyncio.Future[Any], command: RemoteCommand) -> None:
    """The end of a start for which nobody waits: with an error, or with a command to be killed."""
    if opening.cancelled() or opening.exception() is not None:
        command.abandon()
    command.kill()
