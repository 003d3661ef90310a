"""How a command reaches a centre, and a stream reaches one of its nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import asyncssh

from sampan_hub.asks import MOST, Completed

__all__ = ["Reaches", "Transport"]


class Reaches(Protocol):
    """Who makes connections to launchers: a transport, or the centre that bounds how many it makes at once."""

    async def reach(
        self, host: str, port: int, options: asyncssh.SSHClientConnectionOptions, *, deadline: float = 10.0
    ) -> asyncssh.SSHClientConnection:
        """An SSH connection to a launcher that listens on a node of the centre. Raises as :meth:`Transport.run` does."""


class Transport(Reaches, Protocol):
    """The way to one centre. Implementations: `local` (this machine), `ssh` (its login node)."""

    async def run(
        self,
        argv: Sequence[str],
        stdin: bytes = b"",
        *,
        account: str | None = None,
        deadline: float = 10.0,
        most: int = MOST,
    ) -> Completed:
        """Runs an argument list at the centre, as `account` (None: the service account), and waits for its end.

        Never through a shell that reads `argv` as text. Output is decoded as UTF-8 with replacement; more than `most`
        bytes of it are no answer.
        Raises `Unreachable` (the way is cut) or `Unavailable` (not done within `deadline` seconds; the command is killed).
        A cancelled caller kills the command.
        """

    async def close(self) -> None:
        """Lets go of connections. Running jobs are not touched."""
