"""What the Lab's page is told of the session that it shows. The page's own types are made from these values.

Spans are in seconds and counted by the machine that the session runs on, so that no two clocks need agree; moments are
seconds since the epoch, for people to read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

__all__ = ["Names", "Said", "Session", "named", "said", "session"]

WARN_SECONDS: Final = 600.0
"""How long before its end a session says that it ends; shorter ones when a fifth of them is left, and never later than
somebody needs to read that and to save."""
LEAST_WARNING: Final = 120.0
_SILENT: Final = frozenset({"unknown", "unreachable"})


@dataclass(frozen=True, slots=True)
class Names:
    """Of one thing in both languages."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of Sampan's in both languages, by its code."""

    code: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Session:
    """One session as its server sees it. That it answers says that it is alive; `seen` is what its centre's scheduler says.

    `tag` names the attempt: another one is another server behind the same address.
    `seconds_left` is None where the centre sets no limit, and `idle_seconds_left` where nobody ends what is idle. `minutes`:
    the length that was asked for; `most_minutes`: the longest that its centre has.
    `moving` is what is said of the attempt that is to take this one's place. `asked`: the broker has answered; where it has
    not, what only it knows is as if all were well. `end_key` is what the page shows to the broker to be told of the end.
    """

    launch: str
    tag: str
    centre: str
    names: Names
    share: str
    node: str
    seconds_left: float | None
    warn_seconds: float
    minutes: int | None
    most_minutes: int | None
    idle_seconds_left: float | None
    asked: bool
    seen: Literal["alive", "ended", "unknown", "unreachable"]
    seen_since: float | None
    said: Said | None
    may_move_on: bool
    moving: Said | None
    end_key: str | None


def session(
    environ: Mapping[str, str],
    now: float,
    told: Mapping[str, Any] | None,
    idle_left: float | None = None,
) -> Session:
    """The session of a job's environment, and of its launch as the broker told it last (None: it did not)."""
    centre = environ.get("SAMPAN_CENTRE", "")
    deadline = _number(environ.get("SAMPAN_DEADLINE"))
    minutes = _number(environ.get("SAMPAN_MINUTES"))
    told = told or {}
    seen = told.get("seen", "alive")
    silent = seen in _SILENT
    return Session(
        launch=environ.get("SAMPAN_LAUNCH", ""),
        tag=environ.get("SAMPAN_TAG", ""),
        centre=centre,
        names=Names(environ.get("SAMPAN_CENTRE_EN") or centre, environ.get("SAMPAN_CENTRE_ZH") or centre),
        share=environ.get("SAMPAN_SHARE", ""),
        node=environ.get("SAMPAN_NODE", ""),
        seconds_left=None if deadline is None else max(0.0, deadline - now),
        warn_seconds=WARN_SECONDS
        if minutes is None
        else min(WARN_SECONDS, max(LEAST_WARNING, minutes * 60 / 5)),
        minutes=None if minutes is None else round(minutes),
        most_minutes=told.get("most_minutes"),
        idle_seconds_left=idle_left,
        asked=bool(told),
        seen=seen if silent else "alive",
        seen_since=told.get("seen_since") if silent else None,
        said=said(told.get("message")) if silent else None,
        may_move_on=bool(told.get("may_move_on")),
        moving=_moving(told),
        end_key=told.get("end_key"),
    )


def _moving(told: Mapping[str, Any]) -> Said | None:
    """What is said last of the launch, while one attempt waits to take another's place."""
    waits = any(one.get("rival") and one.get("stage") != "ended" for one in told.get("attempts", ()))
    return said(told.get("message")) if waits else None


def said(message: object) -> Said | None:
    """A sentence as the broker tells it; None where it tells none."""
    if not isinstance(message, Mapping):
        return None
    return Said(*(str(message.get(name, "")) for name in ("code", "en", "zh")))


def named(names: object, otherwise: str = "") -> Names:
    """Names as the broker tells them."""
    told = names if isinstance(names, Mapping) else {}
    return Names(str(told.get("en") or otherwise), str(told.get("zh") or otherwise))


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
