"""When schedulers expect a need to start: asked where nothing is free, of the few best, and never believed alone."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sampan.errors import SampanError
from sampan.need import Need
from sampan_hub.centre import Centre
from sampan_hub.placement import Offer
from sampan_hub.spans import Span
from sampan_hub.waits import interval

if TYPE_CHECKING:
    from sampan_hub.services import Services

__all__ = ["Hints"]

log = logging.getLogger(__name__)

_CANDIDATES: Final = 3
_TICK: Final = 1.0
"""Seconds between two such questions to one centre: each costs it a job's number."""
_BELIEVED: Final = 30.0
_PATIENCE: Final = 1.5
_DEADLINE: Final = 5.0
_PLANLESS: Final = frozenset({"process"})
"""Schedulers that plan nothing ahead; they are not asked."""
_CLOCKS_AGREE: Final = 30.0
"""Seconds: a smaller difference is the time that a submission takes, not a clock that is wrong."""
_SCRIPT: Final = "#!/bin/sh\nexit 0\n"

_Key = tuple[str, str, Need]
"""Centre, share, and the need as it is counted there."""


@dataclass(frozen=True, slots=True)
class _Hint:
    """`starts_at`: seconds since the epoch by our clock, None where the scheduler did not say. `until`: monotonic.

    `seen`: what starts there had really taken when it was asked.
    """

    centre: Centre
    starts_at: float | None
    seen: Span
    until: float

    @property
    def seconds(self) -> float | None:
        """From now on; None where nobody knows."""
        if self.starts_at is None or self.until < time.monotonic():
            return None
        return max(0.0, self.starts_at - time.time())


class Hints:
    """What schedulers said lately, for whoever needs the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], dict[Need, _Hint]] = {}
        """(centre, share) → shape → what was said."""
        self._asked: dict[str, float] = {}
        self._asking: dict[_Key, asyncio.Task[None]] = {}
        self._fast: dict[str, float] = {}
        """Centre → seconds by which its clock is ahead of ours."""

    async def ask(self, services: Services, owner: str, need: Need, offers: Sequence[Offer]) -> None:
        """Asks about the best of those offers that would have to wait, and waits a moment for the answers."""
        self._forget()
        waiting = [offer for offer in offers if offer.verdict == "queue" and _plans(services, offer)][
            :_CANDIDATES
        ]
        tasks = [self._asks(services, owner, need, offer) for offer in waiting]
        asking = {task for task in tasks if task is not None}
        if asking:
            await asyncio.wait(asking, timeout=_PATIENCE)

    def said(self, centre: Centre, share: str, need: Need) -> float | None:
        """In how many seconds its scheduler expects such a start; None where nobody asked lately, or it did not say."""
        hint = self._hint(self._key(centre, share, need))
        return hint.seconds if hint is not None and hint.centre is centre else None

    def believed(self, services: Services, need: Need) -> dict[tuple[str, str], float]:
        """(centre, share) → what is said there, kept within what was seen there often enough: it was hours off before."""
        found = {}
        for name, share in self._known:
            centre = services.directory.centres.get(name)
            if centre is None or centre.facts.share(share) is None:
                continue
            hint = self._hint(self._key(centre, share, need))
            if hint is not None and hint.centre is centre and (said := hint.seconds) is not None:
                found[name, share] = hint.seen.clip(said) if hint.seen.sure else said
        return found

    def clock(self, centre: str, ahead: float) -> None:
        """What a submission told of the centre's clock: by how many seconds it seems to be ahead of ours."""
        self._fast[centre] = ahead if abs(ahead) > _CLOCKS_AGREE else 0.0

    def by_our_clock(self, centre: str, at: float) -> float:
        """A moment that the centre's clock told."""
        return at - self._fast.get(centre, 0.0)

    async def close(self) -> None:
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @staticmethod
    def _key(centre: Centre, share: str, need: Need) -> _Key:
        takes = centre.takes(share, need)
        # Where it is wanted and with which data makes no difference to when it starts.
        return centre.id, share, replace(takes, centre=None, software=None, data=())

    def _hint(self, key: _Key) -> _Hint | None:
        return self._known.get(key[:2], {}).get(key[2])

    def _forget(self) -> None:
        now = time.monotonic()
        for place, shapes in list(self._known.items()):
            left = {shape: hint for shape, hint in shapes.items() if hint.until >= now}
            self._known[place] = left
            if not left:
                del self._known[place]

    def _asks(self, services: Services, owner: str, need: Need, offer: Offer) -> asyncio.Task[None] | None:
        """The question that is under way, or a new one if it is time for one; None where there is none."""
        centre = services.directory.centres.get(offer.centre)
        if centre is None:
            return None
        key = self._key(centre, offer.share, need)
        known = self._hint(key)
        if known is not None and known.centre is centre:
            return None
        if key not in self._asking:
            if time.monotonic() - self._asked.get(centre.id, -_TICK) < _TICK:
                return None
            self._asked[centre.id] = time.monotonic()
            work = self._ask(services, centre, owner, key, offer.ahead or 0)
            self._asking[key] = asyncio.create_task(work, name=f"expected start at {centre.id}")
            self._asking[key].add_done_callback(lambda _: self._asking.pop(key, None))
        return self._asking[key]

    async def _ask(self, services: Services, centre: Centre, owner: str, key: _Key, ahead: int) -> None:
        _, share, wants = key
        starts_at: float | None = None
        try:
            account = await centre.account(owner)
            # A name of ours that no launch has: nothing is ever submitted under it.
            tag = f"sampan-{services.settings.hub_id}-hint-0"
            # Nothing is written there, either; but a centre's gate lets no other place pass.
            log_file = f"{centre.home(owner, account)}/.sampan/hint.log"
            job = centre.job(share, wants, tag=tag, script=_SCRIPT, log=log_file)
            expected = centre.scheduler.expected_start(job)
            starts_at = await centre.ask(expected, account=account, deadline=_DEADLINE)
        except SampanError as error:
            log.info("%s does not say when a job would start: %s", centre.id, error)
        except Exception:
            log.exception("what %s says of a start cannot be read", centre.id)
        if starts_at is not None:
            starts_at = self.by_our_clock(centre.id, starts_at)
        seen = interval(services.history.of(centre.id, share), wants, ahead=ahead)
        hint = _Hint(centre, starts_at, seen, time.monotonic() + _BELIEVED)
        self._known.setdefault(key[:2], {})[wants] = hint


def _plans(services: Services, offer: Offer) -> bool:
    centre = services.directory.centres.get(offer.centre)
    return centre is not None and centre.descriptor.scheduler.kind not in _PLANLESS
