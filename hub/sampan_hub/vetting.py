"""Whether a centre's environment suits this hub: asked now and then, and before a job is submitted, not for each."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from sampan.errors import SampanError
from sampan.messages import Message
from sampan_hub import environments
from sampan_hub.environment_facts import EnvironmentFacts, Expected, unfit
from sampan_hub.user_lock import user_lock

if TYPE_CHECKING:
    from sampan_hub.centre import Centre

__all__ = ["Vetting"]

log = logging.getLogger(__name__)

AGAIN: Final = 300.0
"""Seconds that an environment which suits is believed to suit."""
SOONER: Final = 120.0
"""The same where it does not, since somebody is about to mend it, and where nobody could say."""
_DEADLINE: Final = 5.0


class Vetting:
    """One centre's, while its description stands. One command at a time, for however many launches wait for it."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._why: Message | None = None
        self._until = 0.0
        self._asking: asyncio.Task[None] | None = None

    @property
    def known(self) -> Message | None:
        """What :meth:`unfit` said last; nobody is asked."""
        return self._why

    async def unfit(self) -> Message | None:
        """Why no job may start there, in words with the next step; None where it suits or where nobody can say.

        Nobody is kept away by what is not known: the launcher says itself what it speaks, once it runs.
        """
        if self._is_this_one():
            return None
        if time.monotonic() >= self._until:
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask())
            await asyncio.shield(self._asking)
        return self._why

    def _is_this_one(self) -> bool:
        """Whether it is the environment that this program runs in, as on the embedded default."""
        facts = self._centre.descriptor
        return (
            facts.environment.prefix is None
            and facts.endpoint.transport == "local"
            and facts.environment.python == sys.executable
        )

    async def _ask(self) -> None:
        centre, before = self._centre, self._why
        try:
            ask = environments.facts(centre.descriptor.environment.python)
            said = await centre.ask(ask, deadline=_DEADLINE)
            # Without `prefix` modules may have to be loaded first, so that a path alone says little.
            if said is not None or centre.descriptor.environment.prefix is not None:
                facts = None if said is None else EnvironmentFacts.parse(said)
                self._why = unfit(centre.descriptor, facts, _expected())
            else:
                self._why = None
        except SampanError as error:
            log.info("%s: what its environment is cannot be told: %s", centre.id, error)
            self._why, self._until = None, time.monotonic() + SOONER
            return
        if self._why is not None and self._why != before:
            log.warning("%s: %s", centre.id, self._why.say("en"))
        self._until = time.monotonic() + (AGAIN if self._why is None else SOONER)


@cache
def _expected() -> Expected:
    """What a launch depends on: sampan itself may be older there, as long as it speaks a protocol that we speak."""
    return Expected(user_lock().digest, wheel="", sampan="", jupyterhub=version("jupyterhub"))
