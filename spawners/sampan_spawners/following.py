"""Waiting for a launch, for as long as it takes: a broker that is away is waited for, never taken for an end."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from contextlib import aclosing, suppress
from typing import Any, Final

from sampan.client import AsyncBroker
from sampan.errors import Missing, SampanError
from sampan.stages import SILENT, Stage

__all__ = [
    "GONE_AFTER",
    "Json",
    "Later",
    "Supply",
    "ended",
    "exit_code",
    "follow",
    "gone",
    "ready",
    "settled",
    "waits",
]

Json = dict[str, Any]
Supply = Callable[[Json], Awaitable[None]]

FIRST_WAIT: Final = 0.1
LONGEST_WAIT: Final = 2.0
LOOK: Final = 1.0
# A broker whose database was lost says that there is no such launch only when every centre has told what runs there. This is
# for an operator who gives it the newer copy after all.
GONE_AFTER: Final = 20.0


class Later:
    """Work that nobody waits for, held until it is done; `failed` is told how it ended where it did not end well."""

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)


def waits() -> Iterator[float]:
    """Seconds to wait before each next try, doubling up to two seconds."""
    wait = FIRST_WAIT
    while True:
        yield wait
        wait = min(wait * 2, LONGEST_WAIT)


def ended(launch: Json) -> bool:
    return bool(launch["stage"] == Stage.ENDED)


def ready(launch: Json) -> bool:
    return bool(launch["stage"] == Stage.READY and launch["door"])


def exit_code(launch: Json) -> int:
    """What JupyterHub logs as the exit code: the job's own where it is known, 0 for an end that somebody wanted."""
    cause = launch.get("cause") or {}
    if cause.get("code") in {"ended.stopped", "ended.finished", "ended.idle", "ended.let_go", "ended.time"}:
        return 0
    code = (cause.get("params") or {}).get("code", 1)
    return code if isinstance(code, int) else 1


async def settled(
    broker: AsyncBroker, launch: str, supply: Supply | None, *, only_ended: bool = False
) -> Json:
    """The launch as soon as it is ready or has ended (`only_ended`: has ended).

    `supply` is called with the launch whenever the broker lacks the identity for its server. Raises Missing when the broker
    has said for a while that there is no such launch, and nothing else: every other trouble is waited out.
    """
    after: int | None = None
    pause = waits()
    missing_since: float | None = None
    while True:
        try:
            now = await broker.launch(launch)
            missing_since = None
            if ended(now) or (ready(now) and not only_ended):
                return now
            if supply is not None and now.get("needs_identity"):
                await supply(now)
            # Not reconnecting: a broker that was away may have lost the identity, and must be asked before the next event.
            async with aclosing(broker.events(launch, after, reconnect=False)) as events:
                async for event in events:
                    pause = waits()
                    after = event.get("id", after)
                    if event["final"]:
                        break
        except Missing:
            missing_since = missing_since or time.monotonic()
            if time.monotonic() - missing_since > GONE_AFTER:
                raise
        except SampanError:
            pass
        await asyncio.sleep(next(pause))


async def gone(
    broker: AsyncBroker,
    launch: str,
    hear: Callable[[Json], None] = lambda _: None,
    *,
    patience: float = math.inf,
) -> bool:
    """Whether a launch that is to stop has ended; False after its centre has said nothing for `patience` seconds.

    `hear` is told how it stands, once a second. Raises Missing as :func:`settled` does.
    """
    ending = asyncio.ensure_future(settled(broker, launch, None, only_ended=True))
    silent_since: float | None = None
    try:
        while not (await asyncio.wait({ending}, timeout=LOOK))[0]:
            with suppress(SampanError):
                now = await broker.launch(launch)
                hear(now)
                silent = now.get("seen") in SILENT
                silent_since = (silent_since or time.monotonic()) if silent else None
            if silent_since is not None and time.monotonic() - silent_since > patience:
                return False
        await ending
        return True
    finally:
        ending.cancel()


async def follow(broker: AsyncBroker, launch: str, after: int | None = None) -> AsyncGenerator[Json, None]:
    """Every event of a launch until it has ended, over as many restarts of the broker as happen. Raises Missing alone."""
    pause = waits()
    while True:
        try:
            async with aclosing(broker.events(launch, after)) as events:
                async for event in events:
                    pause = waits()
                    after = event.get("id", after)
                    yield event
            return
        except Missing:
            raise
        except SampanError:
            await asyncio.sleep(next(pause))
