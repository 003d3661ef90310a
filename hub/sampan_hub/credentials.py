"""What the broker shows at a centre's door: a key made here, and the signer's certificate for it, both good for minutes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncssh

from sampan.errors import Unavailable
from sampan_hub.certificates import Request, Signed

__all__ = ["Credential", "Credentials"]

LONGEST_ANSWER: Final = 16384
MARGIN: Final = 60.0
"""Seconds before its end from which a certificate is not used again: clocks differ, and a login takes its time."""


@dataclass(frozen=True, slots=True)
class Credential:
    """`until`: by this machine's monotonic clock, which nobody sets."""

    key: asyncssh.SSHKeyPair = field(repr=False)
    until: float

    @property
    def good(self) -> bool:
        return time.monotonic() < self.until


class Credentials:
    """Asks the signer of this machine. `socket`: None where there is none."""

    def __init__(self, socket: Path | None, centre: str) -> None:
        self._socket = socket
        self._centre = centre

    async def fetch(self, account: str, *, deadline: float = 5.0) -> Credential:
        """A new one. Raises `Unavailable` where the signer does not answer, `Forbidden` where it will not sign."""
        key = asyncssh.generate_private_key("ssh-ed25519")
        public = key.export_public_key("openssh").decode().strip()
        try:
            async with asyncio.timeout(deadline):
                signed = await self._ask(Request(self._centre, account, public))
            certificate = asyncssh.import_certificate(signed.certificate)
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            raise Unavailable("signer.away", cause=f"{type(error).__name__}: {error}") from error
        # asyncssh would show the bare key as well, and the centre's log would have a failed login beside each good one.
        pair = asyncssh.load_keypairs([(key, certificate)])[0]
        return Credential(pair, time.monotonic() + max(0.0, signed.valid_before - time.time() - MARGIN))

    async def _ask(self, request: Request) -> Signed:
        if self._socket is None:
            raise FileNotFoundError("no signer")
        reader, writer = await asyncio.open_unix_connection(str(self._socket), limit=LONGEST_ANSWER)
        try:
            writer.write(request.to_line())
            line = await reader.readline()
            if not line.endswith(b"\n"):
                raise EOFError("it went away")
            return Signed.from_line(line)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
