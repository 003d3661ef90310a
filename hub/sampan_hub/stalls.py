"""How long this process kept its own event loop from going on: measured all the time, since nobody notices it otherwise."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Final

__all__ = ["TOO_LONG", "Stalls"]

log = logging.getLogger(__name__)

TOO_LONG: Final = 1.0
"""Seconds of a stall that is logged: whoever types in a notebook has noticed it."""
_EVERY: Final = 0.05
_DEPTH: Final = 8
"""Innermost frames of what stood still, as many as are worth a look."""
# https://docs.kernel.org/scheduler/sched-stats.html: the second figure is the time spent waiting for a processor, in ns.
_SCHEDULER: Final = Path("/proc/thread-self/schedstat")


class Stalls:
    """`longest`: seconds of the longest stall so far; `too_long`: how many were over :data:`TOO_LONG`.

    What the thread waited for a processor does not count, nor does a time in which no thread of this process went on and none
    used a processor: that is a machine that is busy or stands still, and no code of ours that blocks.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self.too_long = 0
        self._beat = 0.0
        self._where = ""
        self._frozen = 0.0
        self._over = threading.Event()

    async def run(self) -> None:
        """Measures until cancelled, on the loop that it runs on."""
        loop = asyncio.get_running_loop()
        self._beat = time.monotonic()
        self._over.clear()
        threading.Thread(
            target=self._watch, args=(threading.get_ident(),), name="stalls", daemon=True
        ).start()
        try:
            while True:
                due, waited = loop.time() + _EVERY, _waited()
                await asyncio.sleep(_EVERY)
                stall = max(0.0, loop.time() - due - (_waited() - waited))
                where = self._where
                if stall > TOO_LONG:
                    # The thread beside this one may not have been told the time yet.
                    await asyncio.sleep(TOO_LONG)
                    stall = max(0.0, stall - self._frozen)
                self._note(stall, where)
                self._beat, self._where, self._frozen = time.monotonic(), "", 0.0
        finally:
            self._over.set()

    def _watch(self, thread: int) -> None:
        """Beside the loop: remembers where it stands while it does, and for how long nothing went on at all."""
        pause = TOO_LONG / 2
        while True:
            at, used, waited = time.monotonic(), time.process_time(), _waited()
            if self._over.wait(pause):
                return
            late = time.monotonic() - at - pause - (_waited() - waited)
            busy = time.process_time() - used
            if late > pause:
                self._frozen += late if busy < late / 2 else 0.0
            elif time.monotonic() - self._beat > TOO_LONG and not self._where:
                frame = sys._current_frames().get(thread)  # noqa: SLF001 (the one way to another thread's stack)
                self._where = "".join(traceback.format_stack(frame, _DEPTH)) if frame is not None else ""

    def _note(self, stall: float, where: str) -> None:
        self.longest = max(self.longest, stall)
        if stall > TOO_LONG:
            self.too_long += 1
            log.warning(
                "the event loop stood still for %.1f s, here:\n%s", stall, self._where or "nobody saw it"
            )


def _waited() -> float:
    """Seconds that this thread was ready to run and had to wait for a processor; 0 where the kernel does not count."""
    try:
        return int(_SCHEDULER.read_text("ascii").split()[1]) / 1e9
    except (OSError, LookupError, ValueError):
        return 0.0
