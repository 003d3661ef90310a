"""A way to a centre that is no SSH: commands run on its login node straight away. For what is tested of schedulers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import asyncssh

from sampan.errors import Unavailable
from sampan_hub.asks import MOST, Completed
from sampan_hub.descriptor import Descriptor
from tests.federation.centre import Centre

__all__ = ["AtLogin", "described"]


def described(centre: Centre) -> Descriptor:
    """The centre as the broker reads it."""
    return Descriptor.model_validate_json(json.dumps(centre.descriptor()))


class AtLogin:
    """A transport that can run commands and nothing else."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    async def run(
        self,
        argv: Sequence[str],
        stdin: bytes = b"",
        *,
        account: str | None = None,
        deadline: float = 10.0,
        most: int = MOST,
    ) -> Completed:
        who = account or self._centre.service_account
        words = ("timeout", "--signal=KILL", f"{deadline:.1f}", *argv)
        done = await asyncio.to_thread(self._centre.run, words, account=who, stdin=stdin, check=False)
        if done.returncode in (-9, 137):
            raise Unavailable("centre.timeout", centre=self._centre.name, seconds=deadline)
        return Completed(done.returncode, done.stdout, done.stderr)

    async def reach(
        self, host: str, port: int, options: asyncssh.SSHClientConnectionOptions, *, deadline: float = 10.0
    ) -> asyncssh.SSHClientConnection:
        raise Unavailable("centre.no_answer", centre=self._centre.name)

    async def close(self) -> None:
        """Nothing is kept open."""
