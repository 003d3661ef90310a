"""Asking a second centre for a start that will wait long at the first: the one that runs first is taken.

An option of the hub, off by default: it shortens waits at the price of places in queues that are given back. So only where a
wait of over five minutes is predicted, once a launch, where both centres let it be, and for at most half a submission more a
launch on the average of the last hundred.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from sampan.errors import Conflict, Forbidden, Unavailable
from sampan.messages import Message
from sampan.stages import PROGRESS, Stage
from sampan_hub.placement import Offer, Placement
from sampan_hub.queries import submissions
from sampan_hub.records import Attempt, Launch
from sampan_hub.services import Services
from sampan_hub.steps.placing import account_of
from sampan_hub.steps.waiting import expected_wait

__all__ = ["hedge"]

log = logging.getLogger(__name__)

LONG: Final = 300.0
"""Seconds of a predicted wait beyond which a second centre is asked."""
MOST: Final = 1.5
"""Submissions a launch, on average."""
COUNTED: Final = 100
"""Launches that the average is over."""
_AGAIN: Final = 10.0
"""Seconds until a budget that is used up is looked at again."""


async def hedge(
    services: Services, launch: Launch, waits: Attempt, attempts: Sequence[Attempt], elsewhere: Placement
) -> bool:
    """Writes the row of a rival of this one, which waits, beside those attempts; whether it did. `elsewhere`: where it might."""
    if not services.settings.hedge or services.now() < services.hedge_after:
        return False
    offer = _second(services, waits, elsewhere)
    asked_before = any(one.rival or (one.cause and one.cause.code == "ended.outrun") for one in attempts)
    if offer is None or asked_before:
        return False
    if (expected_wait(services, launch, waits) or 0.0) <= LONG:
        return False
    [count] = await services.store.rows(submissions(COUNTED))
    if count["submissions"] + 1 > MOST * count["launches"]:
        services.hedge_after = services.now() + _AGAIN
        return False
    services.in_flight.claim(launch.id, offer.centre, offer.share, launch.need)
    try:
        await _ask(services, launch, waits, offer)
    except (Conflict, Forbidden, Unavailable) as error:
        services.in_flight.release(launch.id)
        services.hedge_after = services.now() + _AGAIN
        log.info("launch %s: %s is not asked as well: %s", launch.id, offer.centre, error)
        return False
    return True


def _second(services: Services, waits: Attempt, elsewhere: Placement) -> Offer | None:
    """The best other place to wait at, where both centres let that be."""
    if not services.centre(waits.centre).descriptor.limits.hedged:
        return None
    return next(
        (
            offer
            for offer in elsewhere.ranked
            if offer.verdict == "queue" and services.centre(offer.centre).descriptor.limits.hedged
        ),
        None,
    )


async def _ask(services: Services, launch: Launch, waits: Attempt, offer: Offer) -> None:
    account = await account_of(services, offer.centre, launch.owner)
    names = {"centre": services.say(offer.centre), "former": services.say(waits.centre)}
    await services.store.add_attempt(
        launch.id,
        centre=offer.centre,
        share=offer.share,
        account=account,
        hub_id=services.settings.hub_id,
        message=Message("launch.hedged", names),
        progress=PROGRESS[Stage.QUEUED],
        predicted=services.hints.said(services.centre(offer.centre), offer.share, launch.need),
        ahead=offer.ahead,
        rival=True,
    )
