"""What has left its parent in a job: it becomes the launcher's, and ends with the job at the latest.

A batch system without cgroups loses sight of a process that has left its session; ours would then live on at the node for ever.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

from sampan_kernels import procfs

__all__ = ["adopt", "bury", "end"]

_PR_SET_CHILD_SUBREAPER: Final = 36
_EVERY: Final = 60.0
_ASKED: Final = 1.0
"""Seconds between asking them to end and ending them."""
_LOOK: Final = 0.1


def adopt() -> None:
    """From now on every orphan below this process is its child. prctl(2), Linux alone; elsewhere nothing happens."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


async def bury(ours: Callable[[], Collection[int]]) -> None:
    """Takes leave of adopted ones that have ended, now and then, until cancelled; `ours` are waited for by others."""
    while True:
        await asyncio.sleep(_EVERY)
        _bury(ours())


def _bury(ours: Collection[int]) -> None:
    for pid in procfs.dead_below(os.getpid()):
        if pid not in ours:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


async def end() -> None:
    """Ends whatever is still below this process: asks first, and waits a moment."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _ASKED
    left = procfs.descendants(os.getpid())
    procfs.kill(left, signal.SIGTERM)
    while left and loop.time() < until:
        await asyncio.sleep(_LOOK)
        left = procfs.descendants(os.getpid())
    # Whoever is killed may have had children that come to us: until nobody is left, and not for ever.
    for _ in range(10):
        procfs.kill(left, signal.SIGKILL)
        await asyncio.sleep(_LOOK if left else 0)
        left = procfs.descendants(os.getpid())
        if not left:
            return
