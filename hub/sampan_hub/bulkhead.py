"""What stands between one centre and everybody else: so many calls at once, so many that wait, none while it is silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from weakref import WeakValueDictionary

from sampan.errors import SampanError, Unavailable, Unreachable
from sampan.messages import Message
from sampan_hub.breaker import Breaker
from sampan_hub.descriptor import Limits

__all__ = ["KEPT", "SILENCES", "Bulkhead"]

KEPT: Final = 2
"""Places for commands that are not for persons: homes that hang keep nobody from asking how everybody's jobs are."""
SILENCES: Final = 3
"""Commands in a row without an answer, and with none of another in between, after which a centre is set aside."""
_WAITS: Final = (1.0, 3.0)
_ENOUGH: Final = 4.0
"""Seconds that a command must have had, by itself, for its silence to say something of the centre."""


class Bulkhead:
    """One centre's. A centre that hangs fills its own places and its own waiting lists, and is then set aside.

    Commands and streams have places of their own: nodes that do not answer keep nobody from asking the scheduler, and
    no link is left lost because the scheduler is silent. `waits`: see :class:`Breaker`.
    """

    def __init__(self, name: Message, limits: Limits, *, waits: tuple[float, float] = _WAITS) -> None:
        self.breaker = Breaker(_is_silence, most=SILENCES, waits=waits)
        self._name = name
        self._limits = limits
        self._all, self._persons = self._lane(limits.calls), self._lane(limits.calls - KEPT)
        self._streams = self._lane(limits.calls)
        self._nodes: WeakValueDictionary[str, _Lane] = WeakValueDictionary()
        self.waiting = 0
        """How many calls wait for a place."""
        self.under_way = 0

    @asynccontextmanager
    async def command(self, deadline: float, *, person: bool) -> AsyncIterator[float]:
        """Around one command; gives the seconds that are left for it, of the `deadline` that covers the wait as well.

        Raises `Unavailable` (centre.busy) where no place becomes free in time, or too many wait already, and
        `Unreachable` (centre.set_aside) at once while the centre is.
        """
        self._refuse_while_shut()
        async with self._places(deadline, *([self._persons] if person else []), self._all) as left:
            # It may have fallen silent while this one waited.
            self._refuse_while_shut()
            with self.breaker.attempt(telling=left >= _ENOUGH):
                yield left

    @asynccontextmanager
    async def stream(self, node: str, deadline: float) -> AsyncIterator[float]:
        """The same for a connection to a launcher on that node; one node never has all the places."""
        lane = self._nodes.get(node) or self._lane((self._limits.calls + 1) // 2)
        self._nodes[node] = lane
        async with self._places(deadline, lane, self._streams) as left:
            yield left

    @asynccontextmanager
    async def _places(self, deadline: float, *lanes: _Lane) -> AsyncIterator[float]:
        loop = asyncio.get_running_loop()
        until = loop.time() + deadline
        async with AsyncExitStack() as taken:
            self.waiting += 1
            try:
                async with asyncio.timeout_at(until):
                    for lane in lanes:
                        await taken.enter_async_context(lane.place())
            except (TimeoutError, _FullError) as error:
                raise Unavailable("centre.busy", centre=self._name) from error
            finally:
                self.waiting -= 1
            self.under_way += 1
            try:
                yield max(0.1, until - loop.time())
            finally:
                self.under_way -= 1

    def _lane(self, places: int) -> _Lane:
        return _Lane(places, self._limits.calls_waiting)

    def _refuse_while_shut(self) -> None:
        if (why := self.breaker.shut) is not None:
            raise Unreachable("centre.set_aside", str(why), centre=self._name) from why


class _FullError(Exception):
    """As many wait as may."""


class _Lane:
    """So many places, and so many who may wait for one, in the order they came."""

    def __init__(self, places: int, most_waiting: int) -> None:
        self._places = asyncio.Semaphore(places)
        self._most_waiting = most_waiting
        self._waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        if self._places.locked() and self._waiting >= self._most_waiting:
            raise _FullError
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()


def _is_silence(error: SampanError) -> bool:
    """A refusal, a login that fails or nonsense is an answer of a kind."""
    return isinstance(error, Unreachable) or error.code == "centre.timeout"
