"""Questions to the tables that take more than a line to ask. Nothing here reads or writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, Final

from sqlalchemy import Select, case, func, select

from sampan.stages import Seen, Stage
from sampan_hub.permits import Held
from sampan_hub.tables import attempts, launches, transitions, waits
from sampan_hub.waits import Wait

__all__ = [
    "accounts_of",
    "after",
    "held_by",
    "last",
    "others_under",
    "outcomes_since",
    "read_held",
    "read_waits",
    "standings",
    "submissions",
    "waits_since",
]

_MOST_WAITS: Final = 20_000
_BEFORE_RUNNING: Final = (Stage.PLACED, Stage.SUBMITTED, Stage.QUEUED)
_MOST_AT_ONCE: Final = 1000
_OF_A_WAIT: Final = tuple(field.name for field in fields(Wait))


def others_under(centre: str, account: str, owner: str) -> Select[Any]:
    """An owner besides this one who has ever had an attempt under that account of the centre."""
    same = (
        (attempts.c.centre == centre) & (attempts.c.account == account) & (attempts.c.launch == launches.c.id)
    )
    return select(launches.c.owner).where(same, launches.c.owner != owner).limit(1)


def accounts_of(centre: str, since: float, unconfirmed_since: float) -> Select[Any]:
    """See :meth:`sampan_hub.store.Store.accounts`."""
    unconfirmed = (attempts.c.seen != Seen.ENDED) & (attempts.c.ended_at >= unconfirmed_since)
    lately = attempts.c.ended_at.is_(None) | (attempts.c.ended_at >= since) | unconfirmed
    return select(attempts.c.account).where(attempts.c.centre == centre, lately).distinct()


def held_by(owner: str) -> Select[Any]:
    """How many jobs an owner has at each centre, by stage."""
    mine = select(attempts.c.centre, attempts.c.stage, func.count().label("jobs"))
    mine = mine.where(attempts.c.launch == launches.c.id, launches.c.owner == owner)
    mine = mine.where(attempts.c.ended_at.is_(None), attempts.c.job.is_not(None))
    return mine.group_by(attempts.c.centre, attempts.c.stage)


def read_held(rows: Iterable[Mapping[str, Any]]) -> dict[str, Held]:
    """Centre → how many of those jobs run there, and how many wait."""
    found: dict[str, Held] = {}
    for row in rows:
        before, waits_yet = found.get(row["centre"], Held()), row["stage"] in _BEFORE_RUNNING
        found[row["centre"]] = Held(
            before.running + (0 if waits_yet else row["jobs"]),
            before.waiting + (row["jobs"] if waits_yet else 0),
        )
    return found


def waits_since(since: float) -> Select[Any]:
    """The waits since then of which the conditions are known, with their places; the newest first."""
    query = select(waits.c.centre, waits.c.share, *(waits.c[name] for name in _OF_A_WAIT))
    query = query.where(waits.c.at >= since, waits.c.cores.is_not(None))
    return query.order_by(waits.c.at.desc(), waits.c.number.desc()).limit(_MOST_WAITS)


def read_waits(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], list[Wait]]:
    """(centre, share) → those waits."""
    found: dict[tuple[str, str], list[Wait]] = {}
    for row in rows:
        wait = Wait(**{name: row[name] for name in _OF_A_WAIT})
        found.setdefault((row["centre"], row["share"]), []).append(wait)
    return found


def outcomes_since(since: float) -> Select[Any]:
    """The attempts that became ready, or ended without, since then; with their owners, the newest first."""
    names = (attempts.c[name] for name in ("tag", "centre", "share", "ready_at", "ended_at", "cause"))
    query = select(*names, launches.c.owner).where(attempts.c.launch == launches.c.id)
    query = query.where((attempts.c.ready_at >= since) | (attempts.c.ended_at >= since))
    return query.order_by(func.coalesce(attempts.c.ready_at, attempts.c.ended_at).desc()).limit(_MOST_AT_ONCE)


def submissions(last: int) -> Select[Any]:
    """How many of the last launches there are, and how many jobs were submitted for them, or are about to be."""
    newest = select(launches.c.id).order_by(launches.c.created_at.desc()).limit(last).subquery()
    counts = attempts.c.submit_began_at.is_not(None) | attempts.c.ended_at.is_(None)
    of_each: tuple[Any, Any] = func.count(newest.c.id.distinct()), func.count(attempts.c.tag)
    query = select(of_each[0].label("launches"), of_each[1].label("submissions"))
    return query.select_from(newest.outerjoin(attempts, (attempts.c.launch == newest.c.id) & counts))


def standings() -> Select[Any]:
    """How many live launches there are of each kind, stage, centre and sight; the centre is empty where there is none yet."""
    held = (attempts.c.launch == launches.c.id) & attempts.c.ended_at.is_(None) & attempts.c.rival.is_(False)
    centre = func.coalesce(attempts.c.centre, "").label("centre")
    # Before the first look nobody has been silent yet.
    seen = case((attempts.c.seen_at.is_not(None), attempts.c.seen), else_=Seen.ALIVE).label("seen")
    names = (launches.c.kind, launches.c.stage, centre, seen)
    query = select(*names, func.count().label("launches")).select_from(launches.outerjoin(attempts, held))
    return query.where(launches.c.ended_at.is_(None)).group_by(*names)


def after(number: int) -> Select[Any]:
    """The next transitions after that one, of whatever launch."""
    later = select(transitions).where(transitions.c.number > number)
    return later.order_by(transitions.c.number).limit(_MOST_AT_ONCE)


def last() -> Select[Any]:
    """The number of the last transition, 0 before the first."""
    return select(func.coalesce(func.max(transitions.c.number), 0).label("number"))
