"""What is done in this session, told to the broker: by its kernels, in its terminals, with its files. Pages that look do nothing.

JupyterHub's own measure counts every request, so that a Lab in a forgotten tab is busy for ever; and nothing of a computation
that says nothing for hours, which is the one thing that must not be taken for idle.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from jupyter_server.serverapp import ServerApp

from sampan_lab.asking import Asking

__all__ = ["Activity"]

EVERY: Final = 30.0
"""Seconds between two words to the broker; it believes each for three minutes."""
SOON: Final = 2.0
CONTENTS: Final = "https://events.jupyter.org/jupyter_server/contents_service/v1"
AT_REST: Final = frozenset({"idle", "dead", "unknown"})
"""States of a kernel that does nothing. All others are of one that computes, begins, or waits for its turn to begin."""


class Activity:
    """One server's. `begin` once; `touch` when its person does something that leaves no trace elsewhere."""

    def __init__(self, server: ServerApp, asking: Asking) -> None:
        self._server = server
        self._asking = asking
        self._touched = time.monotonic()
        self._limit = 0
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    def begin(self) -> None:
        """Tells the broker from now on."""
        if self._server.event_logger is not None:
            self._server.event_logger.add_listener(schema_id=CONTENTS, listener=self._saved)
        self._task = asyncio.get_event_loop().create_task(self._tell(), name="activity")

    def touch(self) -> None:
        """The person is here."""
        self._touched = time.monotonic()
        self._news.set()

    def idle_seconds(self) -> float:
        """For how long nothing has been done."""
        if any(self._under_way()):
            return 0.0
        now = datetime.now(UTC)
        since = [(now - at).total_seconds() for at in self._last_done()]
        return max(0.0, min([time.monotonic() - self._touched, *since]))

    def idle_left(self) -> float | None:
        """Seconds until it is ended if nothing is done; None where nobody ends it for that, or the broker has not said."""
        return max(0.0, self._limit - self.idle_seconds()) if self._limit else None

    def _under_way(self) -> Iterator[bool]:
        for kernel in self._kernels():
            yield kernel.get("execution_state") not in AT_REST
        for terminal in self._terminals():
            yield _runs_something(terminal)

    def _last_done(self) -> Iterator[datetime]:
        for kernel in self._kernels():
            with suppress(ValueError):
                yield datetime.fromisoformat(str(kernel["last_activity"]))
        at = self._server.web_app.settings.get("terminal_last_activity")
        if isinstance(at, datetime):
            yield at

    def _kernels(self) -> list[dict[str, Any]]:
        kernels: list[dict[str, Any]] = self._server.kernel_manager.list_kernels()
        return kernels

    def _terminals(self) -> list[Any]:
        manager = self._server.web_app.settings.get("terminal_manager")
        return list(manager.terminals.values()) if manager is not None else []

    async def _saved(self, logger: object, schema_id: str, data: Mapping[str, Any]) -> None:
        # Reading is what pages do by themselves.
        if data.get("action") != "get":
            self._touched = time.monotonic()

    async def _tell(self) -> None:
        while True:
            self._news.clear()
            limit = await self._asking.tell_activity(self.idle_seconds())
            self._limit = self._limit if limit is None else limit
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), self._pause())

    def _pause(self) -> float:
        """More often shortly before its end, so that who begins again in the last moment has said so."""
        left = self.idle_left()
        return EVERY if left is None else min(EVERY, max(SOON, left / 4))


def _runs_something(terminal: Any) -> bool:
    """Whether a program is in the foreground of that terminal: another one than its shell."""
    try:
        return bool(os.tcgetpgrp(terminal.ptyproc.fd) != terminal.ptyproc.pid)
    except (OSError, AttributeError):
        return False
