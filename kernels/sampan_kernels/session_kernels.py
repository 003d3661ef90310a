"""The kernels of a session's Jupyter server: those here, which end with it, and those elsewhere, which the next one goes on with.

`ServerApp.kernel_manager_class = "sampan_kernels.session_kernels.SessionKernels"`
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Set as AbstractSet
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from jupyter_client.ioloop.restarter import AsyncIOLoopKernelRestarter
from jupyter_core.paths import jupyter_runtime_dir
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.ioloop import IOLoop
from traitlets import Unicode

from sampan.address import Address
from sampan.errors import SampanError
from sampan.side_loop import SideLoop
from sampan_kernels import offers
from sampan_kernels.owed import Owed

__all__ = ["Restarter", "SessionKernels"]

PATIENCE: Final = 60.0
"""Seconds that a server which comes back waits for the broker, before it begins without what it had elsewhere."""
PAUSE: Final = 0.5


class SessionKernels(AsyncMappingKernelManager):
    """Jupyter's own, which asks the broker at its start for the kernels that an earlier server of this session had."""

    sessions = Unicode(help="The file in which the server keeps its sessions.", config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        _settle()
        if known := _known(Path(self.sessions)):
            # Before the server listens: a kernel that its notebook's page does not find is one that the page takes for dead.
            IOLoop.current().run_sync(partial(self._go_on, known))

    async def _go_on(self, known: AbstractSet[str]) -> None:
        for launch in await self._launches():
            if launch["name"] not in known:
                continue
            name = offers.name_of(offers.from_query(launch["query"]))
            try:
                await self.start_kernel(
                    kernel_id=launch["name"], kernel_name=name, launch=launch["id"], env={}
                )
            except Exception:  # one kernel that is lost costs no other, and not the server
                self.log.exception("kernel %s of launch %s is lost", launch["name"], launch["id"])

    async def _launches(self) -> list[dict[str, Any]]:
        """Those of this session's kernels that live."""
        from sampan.client import AsyncBroker

        mine = (os.environ.get("SAMPAN_LAUNCH"), "kernel")
        end = time.monotonic() + PATIENCE
        async with AsyncBroker.from_environment(os.environ) as broker:
            while True:
                try:
                    return [one for one in await broker.launches() if (one["parent"], one["kind"]) == mine]
                except SampanError as error:
                    if time.monotonic() >= end:
                        self.log.error("the kernels elsewhere are not known: %s", error)
                        return []
                await asyncio.sleep(PAUSE)

    async def shutdown_all(self, now: bool = False) -> None:  # type: ignore[override]  # as in AsyncMultiKernelManager
        """Ends the kernels here. Those elsewhere go on for the next server; where there is none, they end with the session."""
        for kernel_id, kernel in list(self._kernels.items()):
            if (leave := getattr(kernel.provisioner, "leave", None)) is not None:
                self.stop_watching_activity(kernel_id)
                kernel.stop_restarter()
                await leave()
                self.remove_kernel(kernel_id)
        await super().shutdown_all(now=now)


class Restarter(AsyncIOLoopKernelRestarter):
    """Starts again what has ended, except where its job is over: nothing starts elsewhere that nobody asked for."""

    async def poll(self) -> None:  # type: ignore[override]  # as in its own base
        if getattr(self.kernel_manager.provisioner, "over", None) is None:
            await super().poll()
            return
        self.stop()
        self._fire_callbacks("dead")
        await self.kernel_manager.cleanup_resources()


def _settle() -> None:
    """Gives back what an earlier server was to give back, as soon as the broker is there."""
    with suppress(SampanError):
        owed = Owed(Address.from_environment(os.environ), Path(jupyter_runtime_dir()))
        if owed:
            SideLoop("what is owed").end_with(owed.settle())


def _known(file: Path) -> set[str]:
    """The kernels of the sessions that an earlier server has left in its file; none where there was no such server."""
    if not file.is_file():
        return set()
    with suppress(sqlite3.Error), closing(sqlite3.connect(file)) as database:
        return {str(row[0]) for row in database.execute("SELECT kernel_id FROM session")}
    return set()
