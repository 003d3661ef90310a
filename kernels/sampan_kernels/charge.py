"""What a launcher has in its charge: the one thing that runs in the job, one process after another, until it stays ended."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sampan_kernels.child import Child
from sampan_kernels.connection import Connection
from sampan_kernels.kinds import Recipe
from sampan_kernels.orders import Orders

if TYPE_CHECKING:
    from sampan_kernels.recorder import Recorder

__all__ = ["Charge"]

GRACE: Final = 8.0
"""Seconds a child has to end by itself once asked."""
HEARD: Final = 1.0
"""Seconds that a kernel has to be heard before it is ready all the same."""
AGAIN: Final = (0.2, 2.0, 10.0)
"""Seconds before each new start of what was killed; when they are used up it stays ended."""
FORGOTTEN: Final = 600.0
"""Seconds of life after which an earlier end counts no more."""
_MEANT: Final = frozenset({0, -signal.SIGTERM, -signal.SIGINT})
"""How a process ends that somebody asked to end."""
log = logging.getLogger(__name__)


class Charge:
    """Made once.

    `template` says where forks of a kind are claimed, `tell` is for events of the link, `finish` for the job's exit status
    when there is nothing to wait for.
    """

    def __init__(
        self,
        orders: Orders,
        template: Callable[[str], Path],
        tell: Callable[[dict[str, Any]], None],
        finish: Callable[[int], None],
    ) -> None:
        self._orders, self._template, self._tell, self._finish = orders, template, tell, finish
        self.child: Child | None = None
        self._answering: Child | None = None
        self._recorder: Recorder | None = None
        self._began = 0.0
        self._falls = 0
        self._over = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def ready(self) -> bool:
        """Whether it can be spoken to."""
        return self.child is not None and self.child.running and self.child is self._answering

    async def begin(self, how: Recipe) -> None:
        """Raises `OSError` where it cannot be started."""
        if self._recorder is not None:
            # Of a start that failed: the keys are other ones now.
            await self._recorder.close()
        self._recorder = _recorder(how.connection) if how.connection is not None else None
        await self._run(how)

    async def again(self) -> None:
        """Ends the process where it still runs, and starts it again with the same keys.

        Raises `ValueError` for what is not restarted.
        """
        if self.child is None or not self.child.recipe.restarts:
            raise ValueError("nothing runs that is restarted")
        if self.child.running:
            await self.child.end(0)
        await self._run(self.child.recipe)

    async def end(self) -> None:
        """Asks it to end, and then ends it. It is not started again."""
        self._over = True
        if self.child is not None and self.child.running:
            await self.child.end(GRACE)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._recorder is not None:
            await self._recorder.close()

    async def _run(self, how: Recipe) -> None:
        if self._recorder is not None:
            self._recorder.begin()
        self.child = await Child.start(how, self._orders.home, self._template(how.kind))
        self._began = time.monotonic()
        self._spawn(self._follow(self.child))
        self._spawn(self._say_when_ready(self.child))

    async def _follow(self, child: Child) -> None:
        code = await child.wait()
        log.info("the child ended with status %s", code)
        if (wait := self._pause(child, code)) is not None:
            self._tell({"event": "again", "code": code})
            await asyncio.sleep(wait)
            if self.child is child and not self._over:
                await self._run(child.recipe)
            return
        self._tell({"event": "exit", "code": code, "tail": self._orders.log_tail(4096)})
        # One that never answered is broken here: the sooner that is known, the sooner it starts elsewhere.
        if self._answering and child.recipe.restarts:
            await asyncio.sleep(self._orders.deserted)
        if self.child is child:
            self._finish(code if code >= 0 else 128 - code)

    def _pause(self, child: Child, code: int) -> float | None:
        """Seconds until it is started again by itself; None where it stays ended."""
        if self._over or not child.recipe.resumes or child is not self._answering or code in _MEANT:
            return None
        if time.monotonic() - self._began > FORGOTTEN:
            self._falls = 0
        if self._falls == len(AGAIN):
            return None
        self._falls += 1
        return AGAIN[self._falls - 1]

    async def _say_when_ready(self, child: Child) -> None:
        while child.running and not self._over:
            if await child.recipe.answers():
                if self._recorder is not None and not await self._recorder.hears(HEARD):
                    log.warning("the kernel has not said that it is heard")
                self._answering = child
                self._tell({"event": "ready"})
                return
            await asyncio.sleep(0.02)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _recorder(connection: Connection) -> Recorder:
    from sampan_kernels.recorder import Recorder  # a server's launcher does without zmq

    return Recorder(connection)
