"""What a person's own limits at a centre make of a need there: impossible, or possible once something of theirs ends.

The scheduler tells the limits (`sampan_hub.limits`), for each of its project accounts. A job goes under one of them: the one
that its queue demands, else the person's usual one, and which that is nobody tells. So a need is impossible only where
every project that it might go under forbids it. Values in, values out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sampan.messages import Message
from sampan.need import Need
from sampan_hub.centre_facts import ShareFacts, Terms
from sampan_hub.limits import Limit

__all__ = ["NO_BARS", "Bars", "Held", "Permit"]

_Way = tuple[Limit, ...]
"""All that bounds a job under one project."""


@dataclass(frozen=True, slots=True)
class Held:
    """How many jobs a person has at a centre already, as far as we know: ours."""

    running: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Bars:
    """Shares that are not for a need, each with the reason. `never`: impossible; `now`: what is allowed is used up."""

    never: Mapping[str, Message] = field(default_factory=dict)
    now: Mapping[str, Message] = field(default_factory=dict)


NO_BARS: Final = Bars()


class Permit:
    """The limits of one person at one centre, beside what they have there. Worked out once, asked for each decision."""

    def __init__(self, shares: Sequence[ShareFacts], limits: Sequence[Limit], held: Held) -> None:
        """No limits at all: nothing limits the person but the queues."""
        self._held = held
        self._ways = [(share, tuple(_ways(share, limits))) for share in shares] if limits else []
        self._terms = tuple({share.terms for share in shares})
        self._open = all(ways for _, ways in self._ways) and not any(_spent(limit, held) for limit in limits)
        self._least = _least(limits)

    def bars(self, need: Need) -> Bars:
        """What the limits say of the need in each share; a share that is not named may be used."""
        if self._open and all(_within(self._least, need, terms) for terms in self._terms):
            return NO_BARS
        never: dict[str, Message] = {}
        now: dict[str, Message] = {}
        for share, ways in self._ways:
            wants = share.terms.effective(need)
            impossible = [next(_impossible(way, wants, self._held), None) for way in ways]
            used_up = [_used_up(way, self._held) for way in ways]
            if not ways:
                never[share.id] = _no_way(share)
            elif (why := impossible[0]) is not None and all(impossible):
                never[share.id] = why
            elif all(a or b for a, b in zip(impossible, used_up, strict=True)):
                now[share.id] = next(why for why in used_up if why is not None)
        return Bars(never, now)


def _ways(share: ShareFacts, limits: Sequence[Limit]) -> Iterator[_Way]:
    """The projects that a job of the share might go under. What is said of a queue goes before what is said of all."""
    projects: dict[str | None, list[Limit]] = {}
    for limit in limits:
        if not share.project or limit.account is None or limit.account.lower() == share.project.lower():
            projects.setdefault(limit.account, []).append(limit)
    for rows in projects.values():
        here = [row for row in rows if row.queue == share.queue]
        if way := here or [row for row in rows if row.queue is None]:
            yield tuple(way)


def _no_way(share: ShareFacts) -> Message:
    if share.project:
        return Message("place.no_project", {"project": share.project})
    return Message("place.no_project_here")


def _impossible(way: _Way, wants: Need, held: Held) -> Iterator[Message]:
    """Why this cannot be submitted under that project."""
    for limit in way:
        if 0 in (limit.jobs, limit.submitted):
            yield Message("place.limit_none")
        elif limit.submitted is not None and held.running + held.waiting >= limit.submitted:
            yield Message("place.limit_submitted", {"have": limit.submitted})
        yield from _too_much(limit, wants)


def _too_much(limit: Limit, wants: Need) -> Iterator[Message]:
    if limit.minutes is not None and wants.minutes > limit.minutes:
        yield _lack("hours", _decimal(limit.minutes / 60), _decimal(wants.minutes / 60))
    if limit.cores is not None and wants.cores > limit.cores:
        yield _lack("cores", limit.cores, wants.cores)
    if limit.memory_mib is not None and wants.memory_mib > limit.memory_mib:
        yield _lack("memory", _decimal(limit.memory_mib / 1024), _decimal(wants.memory_mib / 1024))
    kind = wants.accelerator or ""
    cards = limit.accelerators.get(kind)
    if kind and cards is not None and wants.accelerators > cards:
        yield Message("place.limit_accelerator", {"have": cards, "want": wants.accelerators, "kind": kind})


def _within(least: Limit, need: Need, terms: Terms) -> bool:
    """Whether nothing of the need, as it is counted under those terms, is too much. Written out for speed."""
    if least.minutes is not None and need.minutes > least.minutes:
        return False
    if least.memory_mib is not None and need.memory_mib > least.memory_mib:
        return False
    if least.cores is not None and terms.charged(need) > least.cores:
        return False
    if not least.accelerators:
        return True
    kind, count = terms.taken(need)
    return not kind or count <= least.accelerators.get(kind, count)


def _lack(what: str, have: str | int, want: str | int) -> Message:
    return Message(f"place.limit_{what}", {"have": have, "want": want})


def _decimal(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _used_up(way: _Way, held: Held) -> Message | None:
    """Why nothing more runs just now under that project."""
    full = (limit.jobs for limit in way if limit.jobs is not None and held.running >= limit.jobs)
    most = next(full, None)
    return None if most is None else Message("place.limit_jobs", {"have": most})


def _spent(limit: Limit, held: Held) -> bool:
    """Whether nothing at all may be added under it just now."""
    all_of_them = held.running + held.waiting
    return (limit.jobs is not None and held.running >= limit.jobs) or (
        limit.submitted is not None and all_of_them >= limit.submitted
    )


def _least(limits: Sequence[Limit]) -> Limit:
    """Whatever stays within this is within all of them."""
    kinds = {kind for limit in limits for kind in limit.accelerators}
    return Limit(
        minutes=min((limit.minutes for limit in limits if limit.minutes is not None), default=None),
        cores=min((limit.cores for limit in limits if limit.cores is not None), default=None),
        memory_mib=min((limit.memory_mib for limit in limits if limit.memory_mib is not None), default=None),
        accelerators={
            kind: min(limit.accelerators[kind] for limit in limits if kind in limit.accelerators)
            for kind in kinds
        },
    )
