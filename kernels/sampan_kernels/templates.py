"""The templates of a job, started by its launcher: one for the program that the job is for, later one for a session's kernels."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Collection
from contextlib import suppress
from typing import Final

from sampan_kernels.berth import Berth
from sampan_kernels.orders import Orders

__all__ = ["Templates"]

PROGRAM: Final = ("-m", "sampan_kernels.template")
MOST: Final = 3
"""How often one that falls is started again."""
BLANK: Final = 400
"""Bytes of room in the list of processes for a fork's own arguments."""
log = logging.getLogger(__name__)


class Templates:
    """Each is a process of this job without any secret. Where one is missing, whatever it is for starts plainly."""

    def __init__(self, orders: Orders, berth: Berth) -> None:
        self._orders, self._berth = orders, berth
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._falls = 0

    @property
    def pids(self) -> Collection[int]:
        return {one.pid for one in self._running.values()}

    def pid(self, kind: str) -> int:
        """Raises `KeyError` where there is none."""
        return self._running[kind].pid

    def end(self) -> None:
        """Ends them; their forks stay."""
        while self._running:
            _, process = self._running.popitem()
            process.kill()
            process.wait()

    def begin(self, kind: str) -> None:
        """Starts that kind's, and does not wait for it; where it cannot be started that is logged."""
        path = self._berth.template(kind)
        try:
            os.close(
                os.pidfd_open(os.getpid())
            )  # since Linux 5.3; a node with an older one starts everything plainly
            path.unlink(missing_ok=True)
            with socket.socket(socket.AF_UNIX) as listener:
                # Before the process: who asks while it imports is answered as soon as it has.
                listener.bind(os.fspath(path))
                listener.listen(64)
                self._running[kind] = self._start(kind, listener.fileno())
        except OSError as error:
            log.warning("the template for a %s is not there: %s", kind, error)
            path.unlink(missing_ok=True)
            self._running.pop(kind, None)

    def _start(self, kind: str, handle: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-P", *PROGRAM, kind, str(handle), " " * BLANK],
            pass_fds=[handle],
            stdin=subprocess.DEVNULL,
            env=dict(self._orders.environment),
            cwd=self._orders.home,
            start_new_session=True,
        )

    async def keep(self, kind: str) -> None:
        """Has another one take the place of one that has ended, a few times where it has not done so in order."""
        while (process := self._running.get(kind)) is not None:
            await _end(process)
            code = process.wait()
            if self._running.get(kind) is not process:
                return
            self._falls += code != 0
            if self._falls > MOST:
                log.warning("the template for a %s has ended with status %s, and stays so", kind, code)
                self._berth.template(kind).unlink(missing_ok=True)
                del self._running[kind]
                return
            self.begin(kind)


async def _end(process: subprocess.Popen[bytes]) -> None:
    loop = asyncio.get_running_loop()
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(process.pid)
        over = asyncio.Event()
        loop.add_reader(handle, over.set)
        try:
            await over.wait()
        finally:
            loop.remove_reader(handle)
            os.close(handle)
