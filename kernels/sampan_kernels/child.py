"""The one thing that runs in the job: a process in a session of its own, started once, ended in order."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sampan_kernels.forks import Fork, claim
from sampan_kernels.kinds import Recipe

__all__ = ["SIGNALS", "Child"]

SIGNALS: Final = {"INT": signal.SIGINT, "TERM": signal.SIGTERM, "KILL": signal.SIGKILL}
PATIENCE: Final = 60.0
"""Seconds for a template that imports just now: it began before whoever starts plainly would, and ends before him."""


@dataclass(frozen=True)
class Child:
    """A running or ended process. Its output goes where the job's goes, so that the log's tail shows it."""

    process: asyncio.subprocess.Process | Fork
    recipe: Recipe
    """What it was started with; kept in memory to tell whose token it holds."""

    @classmethod
    async def start(cls, recipe: Recipe, directory: Path, template: Path) -> Child:
        """Forked from the template that is there, else started plainly. Raises `OSError` where it cannot be started."""
        for path, text in recipe.files.items():
            handle = os.open(
                path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
            )
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
        told = template, recipe.argv, recipe.environment, directory
        if (fork := await asyncio.to_thread(claim, *told, patience=PATIENCE)) is not None:
            return cls(fork, recipe)
        process = await asyncio.create_subprocess_exec(
            *recipe.argv,
            stdin=asyncio.subprocess.DEVNULL,
            env=dict(recipe.environment),
            cwd=directory,
            start_new_session=True,
        )
        return cls(process, recipe)

    @property
    def running(self) -> bool:
        return self.process.returncode is None

    def to_json(self) -> dict[str, Any]:
        return {"pid": self.process.pid, "running": self.running, "exit": self.process.returncode}

    def signal(self, name: str) -> None:
        """Sends one of :data:`SIGNALS`; none to a process that has ended. Raises `KeyError` for another name.

        An interrupt goes to the whole group, as from a terminal: to the commands of a cell, too.
        """
        number = SIGNALS[name]
        if self.running and number is signal.SIGINT:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
        elif self.running:
            self.process.send_signal(number)

    async def wait(self) -> int:
        """The exit status, negative for a signal, once it has ended and the rest of its group with it."""
        ended = self.process.ended if isinstance(self.process, Fork) else self.process.wait
        code = await ended()
        self._clear_group()
        return code

    async def end(self, grace: float) -> int:
        """Asks it to end, and after `grace` seconds ends it: a server needs a moment to shut its kernels down."""
        self.signal("TERM")
        with suppress(TimeoutError):
            return await asyncio.wait_for(self.wait(), grace)
        self._clear_group()
        return await self.wait()

    def _clear_group(self) -> None:
        # The group's number is the child's, as it leads its session; it stays taken while a member lives.
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
