"""Questions to the rows about data: by place and time, in pages, and what a provider has all in all."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, Self

from sqlalchemy import ColumnElement, RowMapping, Select, and_, func, or_, select

from sampan.entries import Status
from sampan_hub.catalogue.boxes import Box, ranges
from sampan_hub.tables import entries

__all__ = ["Holdings", "datasets", "holdings", "listed"]

_SHOWN: Final = [status for status in Status if status.shown]
_MICROSECOND: Final = 1e-6
"""As exactly as a time is told, so that what was told is found again."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a provider has of data: how many entries, the box around those that have one, the first and last second."""

    provider: str
    count: int
    box: Box | None
    starts: float
    ends: float

    @classmethod
    def read(cls, row: RowMapping) -> Self:
        sides = (row["west"], row["south"], row["east"], row["north"])
        box: Box | None = None if row["west"] is None else sides
        if box is not None and row["over"]:
            box = (-180.0, box[1], 180.0, box[3])
        return cls(row["provider"], row["count"], box, row["starts"], row["ends"])


def holdings() -> Select[Any]:
    """Of every provider that shows any data."""
    one = entries.c
    over = func.count().filter(one.west > one.east)
    told = select(
        one.provider,
        func.count().label("count"),
        *(func.min(one[name]).label(name) for name in ("west", "south")),
        *(func.max(one[name]).label(name) for name in ("east", "north")),
        over.label("over"),
        func.min(_starts()).label("starts"),
        func.max(_ends()).label("ends"),
    )
    return told.where(*_data()).group_by(one.provider).order_by(one.provider)


def listed(after: int, limit: int) -> Select[Any]:
    """Everything that is shown, of every kind, behind that number."""
    shown = select(entries).where(entries.c.status.in_(_SHOWN), entries.c.number > after)
    return shown.order_by(entries.c.number).limit(limit)


def datasets(
    *,
    ids: Collection[tuple[str, str]] | None = None,
    providers: Collection[str] | None = None,
    box: Box | None = None,
    times: tuple[float | None, float | None] = (None, None),
    after: int = 0,
    limit: int = 100,
) -> Select[Any]:
    """Those that every condition holds for, behind that number. `ids`: name and version, of any provider."""
    asked = [*_data(), entries.c.number > after]
    if ids is not None:
        asked.append(
            or_(*(and_(entries.c.name == name, entries.c.version == version) for name, version in ids))
        )
    if providers is not None:
        asked.append(entries.c.provider.in_(providers))
    if box is not None:
        asked.append(_overlaps(box))
    if times[0] is not None:
        asked.append(_ends() > times[0] - _MICROSECOND)
    if times[1] is not None:
        asked.append(_starts() < times[1] + _MICROSECOND)
    return select(entries).where(*asked).order_by(entries.c.number).limit(limit)


def _data() -> list[ColumnElement[bool]]:
    return [entries.c.kind == "dataset", entries.c.status.in_(_SHOWN)]


def _starts() -> ColumnElement[float]:
    return func.coalesce(entries.c.starts, entries.c.created_at)


def _ends() -> ColumnElement[float]:
    return func.coalesce(entries.c.ends, entries.c.created_at)


def _overlaps(box: Box) -> ColumnElement[bool]:
    one = entries.c
    _, south, _, north = box
    sides = []
    for west, east in ranges(box):
        begins, ends = one.west <= east, one.east >= west
        over = and_(one.west > one.east, or_(begins, ends))
        sides.append(or_(and_(one.west <= one.east, begins, ends), over))
    return and_(one.south <= north, one.north >= south, or_(*sides))
