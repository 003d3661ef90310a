"""What the centres have to offer just now, as placement reads it."""

from __future__ import annotations

import asyncio

from sampan.stages import Seen
from sampan_hub.placement import Candidate
from sampan_hub.services import Services

__all__ = ["freshen", "offers"]

_ASK_SECONDS = 2.0
"""How long a request waits for centres with stale figures before it goes on with those that answered."""


async def freshen(services: Services) -> None:
    """Asks every centre whose capacity is out of date, in parallel."""
    stale = [watch.measure(_ASK_SECONDS) for watch in services.watches.values() if watch.fresh() is None]
    if stale:
        await asyncio.wait([asyncio.ensure_future(one) for one in stale], timeout=_ASK_SECONDS)


def offers(services: Services, owner: str) -> tuple[Candidate, ...]:
    """Every centre with what is believed of it now; one where this person has no account is left out."""
    return tuple(
        Candidate(
            centre.facts,
            capacity=services.watches[name].fresh(),
            reachable=services.watches[name].seen is not Seen.UNREACHABLE,
            draining=centre.descriptor.state == "draining",
            age=round(services.now() - (services.watches[name].heard_at or services.now())),
        )
        for name, centre in services.directory.centres.items()
        if name in services.watches and (name, owner) not in services.without_account
    )
