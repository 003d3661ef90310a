"""An event loop of its own in a thread: what goes on there goes on whatever the program around it does."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

from sampan.errors import Conflict

__all__ = ["SideLoop", "SpokenLoop"]

T = TypeVar("T")
_LOOK: Final = 0.1
_CANCELLED: Final = 10.0
"""Seconds that what was interrupted has for leaving nothing behind."""


class SideLoop:
    """Jupyter's blocking kernel manager runs its loop during calls only; a bridge has to carry bytes all the time."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Awaits `work` over there; whoever is cancelled here cancels it there."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def close(self) -> None:
        """Ends what still goes on there. Not to be called from there."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def end_with(self, work: Coroutine[Any, Any, None]) -> None:
        """Does `work` there and ends by itself then. Nobody waits for it, the end of the program neither."""
        done = asyncio.run_coroutine_threadsafe(work, self._loop)
        done.add_done_callback(lambda _: self._loop.call_soon_threadsafe(self._loop.stop))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            # A transport that was closed just now gives its socket back in a later turn.
            self._loop.run_until_complete(asyncio.sleep(0.01))
        finally:
            self._loop.close()


class SpokenLoop(SideLoop):
    """One whose work is waited for by a person in a notebook: what it says is printed by the cell that waits."""

    def __init__(self, name: str) -> None:
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        super().__init__(name)

    def say(self, line: str) -> None:
        self._lines.put(line)

    def wait(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of `work`, which is done over there. Interrupted here it is cancelled, and over when this returns.

        Raises `Conflict` where this is closed.
        """
        if self._loop.is_closed():
            raise Conflict("clusters.closed")
        over = threading.Event()

        async def whole() -> T:
            try:
                return await work()
            finally:
                over.set()

        future = asyncio.run_coroutine_threadsafe(whole(), self._loop)
        future.add_done_callback(lambda _: self.say(""))
        try:
            while not future.done():
                self._print(_LOOK)
            self._print(0)
            return future.result()
        except BaseException:
            if not future.done():
                future.cancel()
                over.wait(_CANCELLED)
            raise

    def _print(self, patience: float) -> None:
        """What was said: what comes within that time, and all that is there then."""
        with suppress(queue.Empty):
            line = self._lines.get(timeout=patience)
            while True:
                if line:
                    print(line, flush=True)
                line = self._lines.get_nowait()
