"""What was last seen of an attempt, and since when: told to its person where it is not good news. No sight ends anything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from sampan.errors import SampanError, Unreachable
from sampan.messages import Message
from sampan.stages import SILENT, Seen
from sampan_hub.records import Attempt, Launch
from sampan_hub.services import Services

__all__ = ["CUT", "SAID", "moment", "note", "seen_in", "silent_since"]

SAID: Final[Mapping[Seen, str]] = MappingProxyType(
    {Seen.UNKNOWN: "launch.unknown", Seen.UNREACHABLE: "launch.unreachable"}
)
"""What is said of an attempt of which its centre tells nothing."""
CUT: Final[Mapping[Seen, str]] = MappingProxyType({Seen.UNREACHABLE: "launch.cut"})
"""What is said of one that runs, by its centre's word, while nobody gets through to it."""


def seen_in(error: SampanError) -> Seen:
    """What is seen of a job when asking for it ends in this error."""
    return Seen.UNREACHABLE if isinstance(error, Unreachable) else Seen.UNKNOWN


def silent_since(attempt: Attempt, seen: Seen, now: float) -> float:
    """Since when that is what is seen. One silence has one beginning, however it sounds in between."""
    goes_on = seen in SILENT and attempt.seen in SILENT and attempt.seen_at is not None
    return attempt.seen_at if goes_on and attempt.seen_at is not None else now


async def note(
    services: Services,
    launch: Launch,
    attempt: Attempt,
    seen: Seen,
    usual: Callable[[], Message],
    said: Mapping[Seen, str] = SAID,
) -> None:
    """Remembers a change of what is seen, and says it; `usual` is what is said when all is well."""
    code = said.get(seen)
    if attempt.seen is seen and (code is None or attempt.rival or launch.message.code == code):
        return
    began = silent_since(attempt, seen, services.now())
    if code is None:
        message = usual()
    else:
        message = Message(code, {"centre": services.say(attempt.centre), "since": moment(began)})
    await services.store.step(
        launch.id,
        attempt=attempt.number,
        attempt_fields={"seen": seen, "seen_at": began},
        message=message,
        stage=attempt.stage,
        seen=seen,
    )


def moment(at: float) -> str:
    """A moment as people read it wherever they are; pages with scripts turn it into their own time."""
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
