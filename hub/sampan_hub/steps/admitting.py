"""Before a submission: its turn at the centre's door, with a place and how long it will take."""

from __future__ import annotations

import time
from typing import Final

from sampan.messages import Message, Value
from sampan.stages import PROGRESS, Stage
from sampan_hub.admission import Ticket, Turn
from sampan_hub.records import Attempt, Launch
from sampan_hub.services import Services
from sampan_hub.spans import amount
from sampan_hub.steps.submitting import submit

__all__ = ["admit"]

_LOOK: Final = 1.0
"""Seconds between two looks at a place."""
_SAY: Final = 3.0
"""Seconds between two tellings of a place that has changed: in a crowd they would be most of what is written down."""


async def admit(services: Services, launch: Launch, attempt: Attempt) -> float | None:
    """Submits when its turn has come. Whoever began to submit before a restart had their turn already."""
    centre = services.directory.centres.get(attempt.centre)
    if centre is None or attempt.submit_began_at is not None or attempt.tag in services.admitted:
        return await submit(services, launch, attempt)
    ticket = Ticket(attempt.tag, launch.owner, _crowd(launch), attempt.created_at)
    turn = centre.admission.ask(ticket, time.monotonic())
    if turn is not None:
        await _say(services, launch, attempt, turn)
        return min(_LOOK, turn.seconds)
    waited = attempt.tag in services.turns_told
    services.admitted[attempt.tag] = services.now() if waited else 0.0
    return await submit(services, launch, attempt)


def _crowd(launch: Launch) -> str:
    """A name that no group and no other person has."""
    return f"person {launch.owner}" if launch.crowd is None else f"group {launch.crowd}"


async def _say(services: Services, launch: Launch, attempt: Attempt, turn: Turn) -> None:
    now = time.monotonic()
    if (
        attempt.rival
        or attempt.place == turn.place
        or now - services.turns_told.get(attempt.tag, -_SAY) < _SAY
    ):
        return
    services.turns_told[attempt.tag] = now
    params: dict[str, Value] = {
        "centre": services.say(attempt.centre),
        "place": turn.place,
        "about": amount(turn.seconds),
    }
    await services.store.step(
        launch.id,
        attempt=attempt.number,
        attempt_fields={"place": turn.place},
        message=Message("launch.turn", params),
        stage=attempt.stage,
        seen=attempt.seen,
        progress=PROGRESS[Stage.PLACED],
    )
