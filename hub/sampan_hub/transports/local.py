"""The transport to this machine: commands as subprocesses, as another account where that is wanted and we are root."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import asyncssh

from sampan.errors import Refused, Unavailable, Unreachable
from sampan.messages import text
from sampan_hub.asks import MOST, Completed

__all__ = ["LocalTransport"]


class LocalTransport:
    """`names`: the centre's, for what is said when something fails. `account`: who asks where no account is named.

    A broker that runs as root asks as root only where no account is given at all; root's is never one to be given.
    """

    def __init__(self, names: Mapping[str, str], account: str | None = None) -> None:
        self._name = text(names)
        self._account = account

    async def run(
        self,
        argv: Sequence[str],
        stdin: bytes = b"",
        *,
        account: str | None = None,
        deadline: float = 10.0,
        most: int = MOST,
    ) -> Completed:
        """See `Transport.run`. Without root, only the broker's own account can be used: `Refused` otherwise."""
        try:
            process = await _begin(argv, self._as(account or self._account))
        except (FileNotFoundError, NotADirectoryError) as error:
            # As a shell at a far centre would say it.
            return Completed(127, "", f"{argv[0]}: {error.strerror}")
        except OSError as error:
            raise Unavailable("centre.no_answer", cause=f"{argv[0]}: {error}", centre=self._name) from error
        try:
            async with asyncio.timeout(deadline):
                out, err = await self._talk(process, stdin, most)
                status = await process.wait()
        except TimeoutError as error:
            raise Unavailable(
                "centre.timeout", cause=" ".join(argv[:4]), centre=self._name, seconds=round(deadline, 1)
            ) from error
        finally:
            await _end(process)
        return Completed(status, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))

    async def _talk(
        self, process: asyncio.subprocess.Process, stdin: bytes, most: int
    ) -> tuple[bytes, bytes]:
        """Feeds and reads at once; more output than is read is no answer."""
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise Unavailable("centre.no_answer", cause="no pipes", centre=self._name)
        reading = asyncio.gather(_all(process.stdout, most), _all(process.stderr, most))
        # A command that does not read its input closes the pipe; its answer counts all the same.
        with suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(stdin)
            await process.stdin.drain()
        process.stdin.close()
        out, err = await reading
        if len(out) > most:
            raise Unavailable("centre.no_answer", cause=f"over {most} bytes", centre=self._name)
        return out, err

    def _as(self, account: str | None) -> dict[str, Any]:
        own = pwd.getpwuid(os.getuid())
        try:
            wanted = own if account is None else pwd.getpwnam(account)
        except KeyError:
            raise Refused("centre.local_account", cause="no such account", account=account or "") from None
        if account is not None and wanted.pw_uid == 0:
            raise Refused("centre.local_account", cause="root", account=account)
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": wanted.pw_dir,
            "USER": wanted.pw_name,
            "LOGNAME": wanted.pw_name,
        }
        if wanted.pw_uid == os.getuid():
            return {"env": environment}
        if os.getuid() != 0:
            raise Refused("centre.local_account", cause="not root", account=wanted.pw_name)
        return {"env": environment, "user": wanted.pw_uid, "group": wanted.pw_gid, "extra_groups": []}

    async def reach(
        self, host: str, port: int, options: asyncssh.SSHClientConnectionOptions, *, deadline: float = 10.0
    ) -> asyncssh.SSHClientConnection:
        """See `Transport.reach`. What SSH itself finds wrong (another host key, say) is raised as asyncssh's error."""
        try:
            async with asyncio.timeout(deadline):
                return await asyncssh.connect(host, port, options=options)
        except TimeoutError as error:
            raise Unavailable("centre.timeout", centre=self._name, seconds=round(deadline, 1)) from error
        except OSError as error:
            raise Unreachable("centre.unreachable", cause=str(error), centre=self._name) from error

    async def close(self) -> None:
        """Nothing is kept open."""


async def _begin(argv: Sequence[str], how: Mapping[str, Any]) -> asyncio.subprocess.Process:
    """Whoever is cancelled meanwhile leaves nothing running: asyncio knows no way back to a process that has begun."""
    pipe = asyncio.subprocess.PIPE
    begins = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *argv, stdin=pipe, stdout=pipe, stderr=pipe, cwd="/", start_new_session=True, **how
        )
    )
    try:
        return await asyncio.shield(begins)
    except asyncio.CancelledError:
        with suppress(OSError):
            await _end(await begins)
        raise


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ends it, and what it has started."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.shield(process.wait())


async def _all(stream: asyncio.StreamReader, most: int) -> bytes:
    """What the stream gives until its end, cut one byte behind the most that is read; the rest is drained."""
    kept = bytearray()
    while chunk := await stream.read(65536):
        kept += chunk[: most + 1 - len(kept)]
    return bytes(kept)
