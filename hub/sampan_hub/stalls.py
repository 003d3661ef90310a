"""How long this process kept its own event loop from going on: measured all the time, since nobody notices it otherwise."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Final

__all__ = ["TOO_LONG", "Stalls"]

log = logging.getLogger(__name__)

TOO_LONG: Final = 1.0
"""Seconds of a stall that is logged: whoever types in a notebook has noticed it."""
_EVERY: Final = 0.05
# https://docs.kernel.org/scheduler/sched-stats.html: the second figure is the time spent waiting for a processor, in ns.
_SCHEDULER: Final = Path("/proc/thread-self/schedstat")


class Stalls:
    """`longest`: seconds of the longest stall so far; `too_long`: how many were over :data:`TOO_LONG`.

    What the thread waited for a processor does not count: that is a busy machine, and no code of ours that blocks.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self.too_long = 0

    async def run(self) -> None:
        """Measures until cancelled, on the loop that it runs on."""
        loop = asyncio.get_running_loop()
        while True:
            due, waited = loop.time() + _EVERY, _waited()
            await asyncio.sleep(_EVERY)
            self._note(max(0.0, loop.time() - due - (_waited() - waited)))

    def _note(self, stall: float) -> None:
        self.longest = max(self.longest, stall)
        if stall > TOO_LONG:
            self.too_long += 1
            log.warning("the event loop stood still for %.1f s", stall)


def _waited() -> float:
    """Seconds that this thread was ready to run and had to wait for a processor; 0 where the kernel does not count."""
    try:
        return int(_SCHEDULER.read_text("ascii").split()[1]) / 1e9
    except (OSError, LookupError, ValueError):
        return 0.0
