"""What speaks against a share: room that it said it had and did not give, and starts that failed there lately.

Each such thing counts once, and half as much after every ten minutes; a start that worked takes it back. One person's failed
starts speak against a share for that person: it may be theirs to mend. From the second person on they speak for everybody. A
doubted share is not believed when it says that it has room, and stands behind those that are not doubted, the more so the
more often; it is never refused, so that it is tried again when it is the only one, or the doubt has passed.
Values in, values out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

from sampan.messages import Message
from sampan_hub.spans import amount

__all__ = ["NO_DOUBTS", "Doubt", "Doubts", "Outcome", "doubts", "failed", "learned", "recalled"]

_MOST: Final = 500
"""Outcomes remembered; older ones have lost their weight."""
HALVED: Final = 600.0
"""Seconds after which something counts half as much."""
_ENOUGH: Final = 0.5
_FAILED: Final = frozenset(
    {
        *("ended.boot_limit", "ended.broken", "ended.deadline", "ended.failed", "ended.lost", "ended.node"),
        *("ended.not_launched", "ended.queue_limit", "ended.reach_limit", "ended.refused", "ended.report"),
        *("ended.signal", "ended.unreachable"),
    }
)
"""Ends of an attempt before it was ready that may be its centre's doing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one start went at a share: it worked, it failed, or room that was promised for it was not given. `at`: epoch s.

    `tag`: of its attempt.
    """

    tag: str
    centre: str
    share: str
    owner: str
    kind: Literal["worked", "failed", "unkept"]
    at: float


@dataclass(frozen=True, slots=True)
class Doubt:
    """`level`: from 1 on, the higher the worse; one less each time that ten minutes pass."""

    level: int
    why: Message


Doubts = Mapping[tuple[str, str], Doubt]
"""(centre, share) → what speaks against it."""
NO_DOUBTS: Final[Doubts] = MappingProxyType({})


@dataclass(slots=True)
class _Case:
    """What is gathered about one share, from the newest outcome on."""

    lies: float = 0.0
    lied_at: float | None = None
    failures: dict[str, float] = field(default_factory=dict)
    failed_at: dict[str, float] = field(default_factory=dict)
    closed: bool = False
    """Whether a later start of somebody worked."""
    mine_closed: bool = False


def failed(cause: str) -> bool:
    """Whether an end for this cause, before it was ready, may be its centre's doing."""
    return cause in _FAILED


def learned(outcomes: Iterable[Outcome], one: Outcome) -> tuple[Outcome, ...]:
    """These and a later one. What a start that worked takes back is not kept: in a crowd that is most of it."""
    if one.kind == "worked":
        here = (one.centre, one.share)
        outcomes = (
            old
            for old in outcomes
            if (old.centre, old.share) != here or (old.kind == "failed" and old.owner != one.owner)
        )
    return (one, *outcomes)[:_MOST]


def recalled(rows: Iterable[Mapping[Any, Any]], outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """What the rows of attempts tell, and room that was not given, which they do not; the newest first."""
    told = [one for one in outcomes if one.kind == "unkept"]
    for row in rows:
        worked = row["ready_at"] is not None
        if worked or (row["cause"] or {}).get("code") in _FAILED:
            where = (row["tag"], row["centre"], row["share"], row["owner"])
            told.append(Outcome(*where, "worked" if worked else "failed", row["ready_at"] or row["ended_at"]))
    found: tuple[Outcome, ...] = ()
    for one in sorted(told, key=lambda one: one.at):
        found = learned(found, one)
    return found


def doubts(outcomes: Iterable[Outcome], owner: str, now: float) -> Doubts:
    """What speaks against shares, for that person. `outcomes`: the newest first."""
    cases: dict[tuple[str, str], _Case] = {}
    for one in outcomes:
        case = cases.setdefault((one.centre, one.share), _Case())
        mine = one.owner == owner
        if one.kind == "worked":
            case.closed, case.mine_closed = True, case.mine_closed or mine
            continue
        # A clock that was set back in between has made nothing graver.
        weight = 0.5 ** (max(0.0, now - one.at) / HALVED)
        if one.kind == "unkept" and not case.closed:
            case.lies += weight
            case.lied_at = case.lied_at or one.at
        elif one.kind == "failed" and not (case.mine_closed if mine else case.closed):
            case.failures[one.owner] = case.failures.get(one.owner, 0.0) + weight
            case.failed_at.setdefault(one.owner, one.at)
    found = ((key, _doubt(case, owner, now)) for key, case in cases.items())
    return {key: doubt for key, doubt in found if doubt is not None}


def _doubt(case: _Case, owner: str, now: float) -> Doubt | None:
    # Each person once, and the first one not at all: what ails one of them is no sign of anything.
    others = sum(min(1.0, weight) for weight in case.failures.values()) - 1.0
    failures = max(case.failures.get(owner, 0.0), others)
    level = _level(case.lies + max(0.0, failures))
    if not level:
        return None
    if case.lied_at is not None and case.lies >= failures:
        return Doubt(level, Message("place.unkept", {"about": amount(max(1.0, now - case.lied_at))}))
    last = max(case.failed_at.values())
    return Doubt(level, Message("place.failed_lately", {"about": amount(max(1.0, now - last))}))


def _level(weight: float) -> int:
    return 0 if weight < _ENOUGH else 1 + math.floor(math.log2(weight / _ENOUGH))
