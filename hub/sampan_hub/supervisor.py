"""Keeps one child running: started again when it dies, never twice at once, with its sockets kept in between."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from sampan_hub import into_child
from sampan_hub.fd_store import FdStore
from sampan_hub.process_lock import end_holder

__all__ = ["Child", "Program", "end_when_it_hangs", "vacate"]

# A child that lived so long was well: its next death is a first one.
SETTLED: Final = 10.0
FIRST_WAIT: Final = 0.1
LONGEST_WAIT: Final = 15.0
GRACE: Final = 8.0
LARGEST_LOG: Final = 20 * 1024 * 1024
# A machine that is busy makes many a second out of one; a person does not look at a page that loads for longer than this.
LOOK: Final = 5.0
PATIENCE: Final = 20.0


@dataclass(frozen=True)
class Program:
    """What to run: `argv` begins with an absolute path; secrets go into `environment`, never into `argv`."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    directory: Path
    log: Path
    lock: Path


class Child:
    """One program, kept running by :meth:`keep` until :meth:`stop`.

    `store` hands it sockets and keeps what it sends back. `died` is told of every end that nobody asked for: the exit
    code (negative: the signal) and how many times in a row it came soon after a start.
    """

    def __init__(
        self,
        program: Program,
        store: FdStore | None = None,
        died: Callable[[Program, int, int], None] | None = None,
    ) -> None:
        self.program = program
        self.starts = 0
        self.pid: int | None = None
        self._store = store
        self._died = died
        self._stopping = asyncio.Event()
        self._started = asyncio.Condition()

    async def keep(self) -> None:
        """Runs it, again and again; returns after :meth:`stop`."""
        loop = asyncio.get_running_loop()
        soon = 0
        while not self._stopping.is_set():
            await vacate(self.program.lock)
            began = loop.time()
            code = await self._live_once()
            soon = 0 if loop.time() - began > SETTLED else soon + 1
            if self._stopping.is_set():
                return
            if code != into_child.LOCKED and self._died is not None:
                self._died(self.program, code, soon)
            await self._pause(min(FIRST_WAIT * 2 ** max(soon - 1, 0), LONGEST_WAIT))

    def stop(self) -> None:
        """Lets :meth:`keep` end the program, by force after a grace, and return."""
        self._stopping.set()

    def kill(self) -> None:
        """Ends the program as hard as it gets; it is started again."""
        if self.pid is not None:
            # Reaped by nobody but us: the number is still its own.
            os.kill(self.pid, signal.SIGKILL)

    async def restarted(self, starts: int) -> int:
        """Waits until it was started more than `starts` times; how many times it was."""
        async with self._started:
            await self._started.wait_for(lambda: self.starts > starts)
        return self.starts

    async def _live_once(self) -> int:
        """One start and the end of it: the exit code."""
        try:
            process = self._spawn()
        except OSError as error:
            # No memory, no descriptors, no disk for the log: as passing as a death.
            with contextlib.suppress(OSError):
                print(f"sampan up: {self.program.name}: {error}", file=sys.stderr, flush=True)
            return into_child.NOT_FOUND
        self.pid, self.starts = process.pid, self.starts + 1
        async with self._started:
            self._started.notify_all()
        try:
            return await self._end_of(process)
        finally:
            self.pid = None

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _spawn(self) -> subprocess.Popen[bytes]:
        kept = [] if self._store is None else self._store.kept()
        environment = dict(self.program.environment)
        if self._store is not None:
            self._store.ready.clear()
            environment["NOTIFY_SOCKET"] = str(self._store.path)
        plan = {
            "parent": os.getpid(),
            "lock": str(self.program.lock),
            "descriptors": [descriptor for _, descriptor in kept],
            "names": [name for name, _ in kept],
            "argv": self.program.argv,
        }
        with _log(self.program.log) as log:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", into_child.__file__, json.dumps(plan)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.program.directory,
                env=environment,
                pass_fds=[descriptor for _, descriptor in kept],
                # Ctrl-C in the terminal is for us alone: the children end in order.
                start_new_session=True,
            )

    async def _end_of(self, process: subprocess.Popen[bytes]) -> int:
        """Waits for its end and reaps it; after :meth:`stop`, brings it about."""
        descriptor = os.pidfd_open(process.pid)
        try:
            ended = asyncio.create_task(_readable(descriptor))
            stopping = asyncio.create_task(self._stopping.wait())
            await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not ended.done():
                process.terminate()
                await asyncio.wait({ended}, timeout=GRACE)
            if not ended.done():
                process.kill()
            await ended
        finally:
            os.close(descriptor)
        return process.wait()


async def end_when_it_hangs(child: Child, answers: Callable[[], Awaitable[None]]) -> None:
    """Has a child that is alive and does not answer started again, until cancelled. `answers` returns when it does."""
    while True:
        await asyncio.sleep(LOOK)
        starts = child.starts
        try:
            await asyncio.wait_for(answers(), PATIENCE)
        except TimeoutError:
            # One that has just been started again has its time, too.
            if child.starts == starts:
                child.kill()


async def vacate(lock: Path) -> None:
    """Ends a process that a killed `sampan up` left behind with this lock, and waits until it is gone."""
    for number in (signal.SIGTERM, *([signal.SIGKILL] * 100)):
        descriptor = end_holder(lock, number)
        if descriptor is None:
            return
        try:
            async with asyncio.timeout(GRACE):
                await _readable(descriptor)
        except TimeoutError:
            continue
        finally:
            os.close(descriptor)


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(descriptor)


def _log(path: Path) -> IO[bytes]:
    """The log, for its owner alone; one older part is kept when it has grown too long for a disk that nobody watches."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LARGEST_LOG:
            path.replace(path.with_name(path.name + ".1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")
