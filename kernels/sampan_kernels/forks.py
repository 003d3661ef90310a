"""A claim of a fork: from whoever would otherwise start a program plainly, to the template of his own job."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import select
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from sampan_kernels.becoming import HEAD, PROTOCOL

__all__ = ["Fork", "claim"]

_UNTOLD: Final = 30.0
"""Seconds after its end in which a fork's exit status is still told: its template may be importing something just then."""
_UNKNOWN: Final = 1
"""The exit status of a fork whose template has not lived to tell it, and which we have not ended ourselves."""
_ENDING: Final = frozenset({signal.SIGTERM, signal.SIGKILL})
"""Of the signals that are sent to it, those that it may be said to have ended by."""
log = logging.getLogger(__name__)


class Fork:
    """A process that is not our child, as `subprocess.Popen` shows one. It ends when this object goes."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, handle: int, tie: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._handle, self._tie = handle, tie
        self._sent: int | None = None
        self._over: float | None = None
        tie.setblocking(False)

    def poll(self) -> int | None:
        """The exit status, negative for a signal; None while it runs, and for the moment until its end is told."""
        if self.returncode is None and _ready(self._handle, 0):
            self._over = self._over or time.monotonic()
            self.returncode = self._told()
            if self.returncode is not None:
                os.close(self._handle)
                self._tie.close()
        return self.returncode

    def _told(self) -> int | None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            if line := self._tie.recv(4096):
                return int(json.loads(line)["exit"])
            self._over = float("-inf")
        if self._over is not None and time.monotonic() < self._over + _UNTOLD:
            return None
        with suppress(OSError):  # an orphan that has become ours
            _, status = os.waitpid(self.pid, os.WNOHANG)
            return os.waitstatus_to_exitcode(status)
        return _UNKNOWN if self._sent is None else -self._sent

    def wait(self, timeout: float | None = None) -> int:
        """Raises `TimeoutError`."""
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError(f"process {self.pid} runs after {timeout} s")
            if self._over is None:
                _ready(self._handle, left)
            else:
                time.sleep(0.005)
        return code

    async def ended(self) -> int:
        """As :meth:`wait`, on a loop."""
        loop = asyncio.get_running_loop()
        if self.poll() is None and self._over is None:
            over, handle = (
                asyncio.Event(),
                os.dup(self._handle),
            )  # a loop takes each descriptor once, and several may wait
            loop.add_reader(handle, over.set)
            try:
                await over.wait()
            finally:
                loop.remove_reader(handle)
                os.close(handle)
        while (code := self.poll()) is None:  # noqa: ASYNC110 (another process tells it)
            await asyncio.sleep(0.005)
        return code

    def send_signal(self, number: int) -> None:
        """None to a process that has ended, whoever has its number now."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)
                if number in _ENDING:
                    self._sent = number

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def claim(
    template: Path,
    argv: Sequence[str],
    environment: Mapping[str, str],
    directory: str | os.PathLike[str],
    *,
    outputs: tuple[int, int] = (1, 2),
    patience: float = 10.0,
) -> Fork | None:
    """A fork that becomes what `argv` would; None, within `patience` seconds, where a plain start is to be made instead."""
    said = {
        "protocol": PROTOCOL,
        "argv": list(argv),
        "env": dict(environment),
        "cwd": str(Path(directory).absolute()),
    }
    text = json.dumps(said).encode()
    tie = socket.socket(socket.AF_UNIX)
    try:
        tie.settimeout(patience)
        tie.connect(os.fspath(template))
        socket.send_fds(tie, [HEAD.pack(len(text))], list(outputs))
        tie.sendall(text)
        line, handles, _, _ = socket.recv_fds(tie, 4096, 1)
        told = json.loads(line.partition(b"\n")[0]) if line else {}
        if "pid" in told and handles:
            return Fork(told["pid"], handles[0], tie)
        log.info("started plainly: %s", told.get("refused", "the template has gone"))
    except FileNotFoundError:
        pass  # there is no template
    except (OSError, ValueError) as error:
        log.info("started plainly: %s", error)
    tie.close()
    return None


def _ready(handle: int, seconds: float | None) -> bool:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(None if seconds is None else seconds * 1000))
