"""Choosing a centre for a launch that has none, and promising it a place there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sampan.errors import Conflict, Forbidden, Refused, Unavailable
from sampan.messages import Message
from sampan.need import Need
from sampan.stages import PROGRESS, Seen, Stage
from sampan_hub.doubts import doubts
from sampan_hub.offers import freshen, offers
from sampan_hub.placement import Offer, Placement, place
from sampan_hub.records import Attempt, Launch
from sampan_hub.services import Services
from sampan_hub.steps.ending import end_launch

__all__ = ["account_of", "advise", "choose_centre", "decide", "failed_before", "refuse_impossible"]

log = logging.getLogger(__name__)

_LATER = 3.0
_NO_FAILURE = frozenset({"ended.moved", "ended.moved_on", "ended.outrun"})
"""Causes that are not the centre's doing: another was sooner, or its person wanted a new session."""
_COME_BACK = frozenset({"ended.unreachable", "ended.moved"})
"""Causes after which a centre may be asked again in the same launch, once the others have been: it did not fail."""


def decide(
    services: Services,
    need: Need,
    owner: str,
    *,
    launch: str = "",
    tried: Mapping[str, Message] | None = None,
) -> Placement:
    """What this need would get now, from what is known; asks nobody."""
    measured = {
        name: watch.capacity.measured_at for name, watch in services.watches.items() if watch.capacity
    }
    claims = tuple(services.in_flight.claims(measured, besides=launch))
    placed = place(
        need,
        offers(services, owner),
        in_flight=claims,
        tried=tried,
        waits=services.history.usual,
        forecasts=services.hints.believed(services, need),
        doubted=doubts(services.outcomes, owner, services.now()),
    )
    return replace(placed, refused=(*placed.refused, *_without_account(services, owner)))


def _without_account(services: Services, owner: str) -> list[Offer]:
    return [
        Offer(centre, services.names(centre), "", "no", (why,))
        for (centre, person), why in sorted(services.without_account.items(), key=lambda item: item[0])
        if person == owner and centre in services.directory.centres
    ]


async def _prepare(services: Services, owner: str) -> None:
    """Has what a decision for this person looks at brought up to date, as far as that can be had in a moment."""
    await asyncio.gather(freshen(services), services.entitlements.learn(services, owner))


async def advise(services: Services, need: Need, owner: str) -> Placement:
    """What this need would get now; asks the centres, and where nothing is free, when the best of them expect it to start."""
    await _prepare(services, owner)
    placement = decide(services, need, owner)
    if placement.ranked and placement.ranked[0].verdict == "queue":
        await services.hints.ask(services, owner, need, placement.ranked)
        placement = decide(services, need, owner)
    return placement


def failed_before(attempts: Sequence[Attempt], *, forgiving: bool = False) -> dict[str, Message]:
    """The centres that this launch has been at, and why it left; `forgiving`: not those that did not fail."""
    return {
        past.centre: past.cause
        for past in attempts
        if past.cause
        and not (past.cause.code in _NO_FAILURE or (forgiving and past.cause.code in _COME_BACK))
    }


async def refuse_impossible(services: Services, need: Need, owner: str) -> None:
    """Raises `Refused`, naming what is missing at each centre, for a need that none can ever run."""
    await _prepare(services, owner)
    placement = decide(services, need, owner)
    if not placement.ranked:
        raise Refused("place.nowhere", reasons=placement.why_nowhere())


async def choose_centre(services: Services, launch: Launch, attempts: Sequence[Attempt]) -> float | None:
    """Writes the next attempt's row, or says that everybody waits, or ends the launch where nobody is left to ask."""
    if attempts and attempts[-1].created_at < services.started_at:
        # A later job of it may run that this database, restored from a copy, does not know.
        await services.strays.first(services.directory.centres)
    await _prepare(services, launch.owner)
    placement, best = _best(services, launch, failed_before(attempts))
    if best is not None and best.verdict == "queue":
        await services.hints.ask(services, launch.owner, launch.need, placement.ranked)
    # No await from the decision to the promise: it is counted before the next launch looks.
    placement, best = _best(services, launch, failed_before(attempts))
    if best is None:
        placement, best = _best(services, launch, failed_before(attempts, forgiving=True))
    if best is None:
        if placement.ranked:
            return await _wait(services, launch)
        why = attempts[-1].cause if attempts else None
        why = why or Message("place.nowhere", {"reasons": placement.why_nowhere()})
        await end_launch(services, launch, why, Message("launch.failed", {"why": why}))
        return None
    services.in_flight.claim(launch.id, best.centre, best.share, launch.need)
    try:
        account = await account_of(services, best.centre, launch.owner)
    except Unavailable:
        services.in_flight.release(launch.id)
        raise
    except Forbidden as error:
        services.in_flight.release(launch.id)
        services.without_account[best.centre, launch.owner] = error.message
        log.info("launch %s: no account at %s: %s", launch.id, best.centre, error.cause)
        return 0.0
    try:
        await services.store.add_attempt(
            launch.id,
            centre=best.centre,
            share=best.share,
            account=account,
            hub_id=services.settings.hub_id,
            message=Message("launch.placed", {"centre": services.say(best.centre), "why": best.reasons[0]}),
            progress=PROGRESS[Stage.PLACED],
            predicted=services.hints.said(services.centre(best.centre), best.share, launch.need),
            ahead=best.ahead,
        )
    except Conflict:
        # A stop came first, and wins.
        services.in_flight.release(launch.id)
    return 0.0


def _best(services: Services, launch: Launch, tried: Mapping[str, Message]) -> tuple[Placement, Offer | None]:
    placement = decide(services, launch.need, launch.owner, launch=launch.id, tried=tried)
    return placement, next((offer for offer in placement.ranked if offer.verdict != "unknown"), None)


async def _wait(services: Services, launch: Launch) -> float:
    message = Message("launch.waiting")
    if launch.message != message:
        await services.store.step(launch.id, message=message, stage=Stage.PLACED, seen=Seen.UNKNOWN)
    return _LATER


async def account_of(services: Services, name: str, owner: str) -> str:
    """The owner's account at a centre. Raises `Forbidden` where there is none, or where it was somebody else's before.

    What a command answers is held against every attempt that was ever made there: one to one outlives a restart.
    """
    centre = services.centre(name)
    account = await centre.account(owner)
    if centre.descriptor.accounts.method == "command" and await services.store.others_of(
        name, account, owner
    ):
        raise Forbidden("centre.account", cause=f"{account!r} was somebody else's", centre=services.say(name))
    return account
