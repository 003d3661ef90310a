"""What the centres have to offer just now, as placement reads it."""

from __future__ import annotations

import asyncio

from sampan.stages import Seen
from sampan_hub.placement import Candidate
from sampan_hub.services import Services
from sampan_hub.watch import Watch

__all__ = ["freshen", "offers"]

_ASK_SECONDS = 2.0
"""How long a request waits for centres with stale figures before it goes on with those that answered."""
_PROBE_SECONDS = 0.3
"""How long it waits for those that gave no answer the last time: one that hangs is waited for once, not by everybody."""


async def freshen(services: Services) -> None:
    """Asks every centre whose capacity is out of date, in parallel; one that is set aside keeps nobody waiting."""
    stale = [
        watch
        for watch in services.watches.values()
        if watch.fresh() is None and not watch.centre.bulkhead.breaker.open
    ]
    asked = {asyncio.ensure_future(_fresh(watch)) for watch in stale}
    if asked:
        await asyncio.wait(asked)


async def _fresh(watch: Watch) -> None:
    troubled = watch.trouble is not None
    asking = watch.probe() if troubled else watch.measure(_ASK_SECONDS)
    try:
        async with asyncio.timeout(_PROBE_SECONDS if troubled else _ASK_SECONDS):
            await asking
    except TimeoutError:
        return


def offers(services: Services, owner: str) -> tuple[Candidate, ...]:
    """Every centre with what is believed of it now; one where this person has no account is left out."""
    return tuple(
        Candidate(
            centre.facts,
            capacity=services.watches[name].fresh(),
            reachable=services.watches[name].seen is not Seen.UNREACHABLE,
            draining=centre.descriptor.state == "draining",
            age=_age(services, services.watches[name]),
            survey=services.watches[name].survey,
            unfit=centre.vetting.known,
            permit=services.entitlements.permit(centre, owner),
        )
        for name, centre in services.directory.centres.items()
        if name in services.watches and (name, owner) not in services.without_account
    )


def _age(services: Services, watch: Watch) -> int | None:
    """Seconds since the centre last answered anything; a clock that was set back in between makes it no future."""
    return None if watch.heard_at is None else max(0, round(services.now() - watch.heard_at))
