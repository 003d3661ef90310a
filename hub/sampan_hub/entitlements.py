"""What each person may have at each centre, as its scheduler says: asked as that person, remembered for minutes.

Nothing waits for it for long, and what is not known limits nobody: the scheduler itself has the last word.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sampan.errors import Forbidden, SampanError
from sampan_hub.centre import Centre
from sampan_hub.limits import Limit
from sampan_hub.permits import Held, Permit

if TYPE_CHECKING:
    from sampan_hub.services import Services

__all__ = ["Entitlements"]

log = logging.getLogger(__name__)

_PATIENCE: Final = 0.6
"""Seconds that a decision waits for what is not known yet; the answer is kept for the next one."""
_DEADLINE: Final = 10.0
_REMEMBERED: Final = 300.0
_FORGOTTEN: Final = 30.0
"""Seconds until somebody asks again who got no answer."""
_AT_ONCE: Final = 2
"""Questions of this kind at one centre: a crowd's leave it places for all others."""
_LIMITLESS: Final = frozenset({"process"})
"""Schedulers that limit nobody; they are not asked."""
_NOTHING: Final = Held()


@dataclass(frozen=True, slots=True)
class _Known:
    """`limits` None: there was no answer. `until`: by a clock that nobody sets."""

    centre: Centre
    limits: tuple[Limit, ...] | None
    until: float


class Entitlements:
    """Limits by centre and person, and what that person has there beside them."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, _Known]] = {}
        """Person → centre → what is known."""
        self._permits: dict[tuple[str, str], tuple[_Known, Held, Permit]] = {}
        self._held: dict[str, Mapping[str, Held]] = {}
        self._asking: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._turns: dict[str, asyncio.Semaphore] = {}

    async def learn(self, services: Services, owner: str) -> None:
        """Asks the centres of which nothing is known for this person, in parallel, and waits a moment for the answers."""
        asking = {
            self._asks(services, centre, owner)
            for name, centre in services.directory.centres.items()
            if self._unknown(services, name, owner)
        }
        if asking:
            await asyncio.wait(asking, timeout=_PATIENCE)
        if self._counts(owner):
            self._held[owner] = await services.store.held(owner)

    def permit(self, centre: Centre, owner: str) -> Permit | None:
        """What this person may have there; None while nobody can say."""
        known = self._known.get(owner, {}).get(centre.id)
        if known is None or known.centre is not centre or not known.limits or known.until < time.monotonic():
            return None
        held = self._held.get(owner, {}).get(centre.id, _NOTHING)
        made = self._permits.get((centre.id, owner))
        if made is None or made[:2] != (known, held):
            made = known, held, Permit(centre.facts.shares, known.limits, held)
            self._permits[centre.id, owner] = made
        return made[2]

    async def close(self) -> None:
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _counts(self, owner: str) -> bool:
        """Whether anybody limits how many jobs this person has."""
        known = [known.limits or () for known in self._known.get(owner, {}).values()]
        return any(not (limit.jobs is limit.submitted is None) for limits in known for limit in limits)

    def _unknown(self, services: Services, name: str, owner: str) -> bool:
        """Whether it is worth asking: nothing is known, and the centre answers."""
        centre, watch = services.directory.centres[name], services.watches.get(name)
        if centre.descriptor.scheduler.kind in _LIMITLESS or (name, owner) in services.without_account:
            return False
        if watch is None or watch.trouble is not None:
            return False
        known = self._known.get(owner, {}).get(name)
        return known is None or known.centre is not centre or known.until < time.monotonic()

    def _asks(self, services: Services, centre: Centre, owner: str) -> asyncio.Task[None]:
        key = centre.id, owner
        if key not in self._asking:
            task = asyncio.create_task(self._ask(services, centre, owner), name=f"limits at {centre.id}")
            self._asking[key] = task
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        return self._asking[key]

    async def _ask(self, services: Services, centre: Centre, owner: str) -> None:
        limits, lasts = None, _FORGOTTEN
        try:
            async with self._turns.setdefault(centre.id, asyncio.Semaphore(_AT_ONCE)):
                account = await centre.account(owner)
                seldom = services.watches[centre.id].seldom
                if not seldom.heard:
                    await seldom.learn()
                ask = centre.scheduler.limits(account, seldom.rules)
                limits = await centre.ask(ask, account=account, deadline=_DEADLINE)
            lasts = _REMEMBERED
        except Forbidden as error:
            services.without_account[centre.id, owner] = error.message
        except SampanError as error:
            log.info("%s does not say what %s may have: %s", centre.id, owner, error)
        except Exception:
            log.exception("what %s says of limits cannot be read", centre.id)
        known = _Known(centre, limits, time.monotonic() + lasts)
        self._known.setdefault(owner, {})[centre.id] = known
