"""What is asked of a centre now and then, since it seldom changes: its rules, and whether its environment suits."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from sampan.errors import SampanError
from sampan_hub.hearing import Hearing
from sampan_hub.rules import NO_RULES, Rules

__all__ = ["Seldom"]

log = logging.getLogger(__name__)

_EVERY: Final = 60.0
"""Seconds from one such question to the next, whether or not there was an answer."""
_DEADLINE: Final = 10.0
_RULELESS: Final = frozenset({"process"})
"""Schedulers that have no rules; they are not asked."""


class Seldom:
    """The last that was heard of it; what nobody says forbids nothing. `told` is called after each answer."""

    def __init__(self, hearing: Hearing, told: Callable[[], None]) -> None:
        self.rules: Rules = NO_RULES
        self._hearing = hearing
        self._centre = hearing.centre
        self._told = told
        self.heard = False
        """Whether its rules were ever asked for, with an answer or without."""
        self._asked_at = -math.inf
        self._asking: asyncio.Task[None] | None = None

    async def learn(self) -> None:
        """Asks if it is time to, once for however many wait for it; a failure is remembered, not raised."""
        self.begin()
        if self._asking is not None:
            await asyncio.shield(self._asking)

    def begin(self) -> None:
        """The same for who does not wait."""
        if self._asking is None and time.monotonic() - self._asked_at >= _EVERY:
            self._asked_at = time.monotonic()
            self._asking = asyncio.create_task(self._ask(), name=f"rules of {self._centre.id}")
            self._asking.add_done_callback(self._done)

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    def _done(self, asking: asyncio.Task[None]) -> None:
        self._asking = None
        if not asking.cancelled() and (error := asking.exception()) is not None:
            log.error("what seldom changes at %s cannot be told", self._centre.id, exc_info=error)

    async def _ask(self) -> None:
        # Known before somebody is placed there; where it does not suit, that is how anybody learns that it was mended.
        await asyncio.gather(self._rules(), self._centre.vetting.unfit())

    async def _rules(self) -> None:
        if self._centre.descriptor.scheduler.kind in _RULELESS:
            return
        with suppress(SampanError):
            self.rules = await self._hearing.ask("rules", self._centre.scheduler.rules(), _DEADLINE)
            self._told()
        self.heard = True
