"""Asking a centre, and remembering of each question since when it has had no answer."""

from __future__ import annotations

import logging
import time
from typing import TypeVar

from sampan.errors import SampanError, Unavailable
from sampan.messages import text
from sampan_hub.asks import Ask
from sampan_hub.centre import Centre

__all__ = ["Hearing"]

log = logging.getLogger(__name__)

T = TypeVar("T")


class Hearing:
    """What a centre answered last, by question. Questions fail and heal each for itself."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self.heard: dict[str, float] = {}
        """When each question was last answered."""
        self.heard_at: float | None = None
        """When any was; not the latest of those times, since clocks are set back, too."""
        self.failures: dict[str, tuple[SampanError, float]] = {}
        """The last failure of each question that has had no answer since, and when the first of them was."""

    async def ask(self, question: str, ask: Ask[T], deadline: float, *, account: str | None = None) -> T:
        """Asks, and remembers whether there was an answer; one that breaks its parser is none."""
        try:
            answer = await self.centre.ask(ask, account=account, deadline=deadline)
        except SampanError as error:
            self._failed(question, error)
            raise
        except Exception as error:
            log.exception("the answer of %s cannot be read", self.centre.id)
            names = text(self.centre.descriptor.names.model_dump())
            unread = Unavailable("centre.no_answer", cause=repr(error), centre=names)
            self._failed(question, unread)
            raise unread from error
        self.heard[question] = self.heard_at = time.time()
        self.failures.pop(question, None)
        return answer

    def trouble(self, question: str) -> SampanError | None:
        """Why that question has no answer just now."""
        return self.failures[question][0] if question in self.failures else None

    def forget(self, question: str) -> None:
        """Nobody wants to know any more: that it was in vain is no trouble."""
        self.failures.pop(question, None)

    def _failed(self, question: str, error: SampanError) -> None:
        first = self.failures.get(question)
        if first is None:
            log.warning("%s gives no answer (%s): %s", self.centre.id, question, error)
        self.failures[question] = (error, first[1] if first else time.time())
