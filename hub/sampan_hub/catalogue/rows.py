"""The rows of the catalogue: written within one transaction, each change with a revision that stays."""

from __future__ import annotations

import datetime
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import RowMapping, Select, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sampan.entries import Status
from sampan.errors import Conflict, Missing
from sampan.messages import Message
from sampan_hub.catalogue.product import Extent, Product
from sampan_hub.tables import checks, entries, pictures, revisions, uses

__all__ = ["MOVES", "Kept", "by_ref", "move", "put", "revise", "since", "some", "use", "versions"]

MOVES: Final[Mapping[Status, frozenset[Status]]] = {
    Status.DRAFT: frozenset({Status.PUBLISHED, Status.WITHDRAWN}),
    Status.PUBLISHED: frozenset({Status.DEPRECATED, Status.WITHDRAWN, Status.QUARANTINED}),
    Status.DEPRECATED: frozenset({Status.PUBLISHED, Status.WITHDRAWN, Status.QUARANTINED}),
    Status.QUARANTINED: frozenset({Status.PUBLISHED, Status.DEPRECATED, Status.WITHDRAWN}),
    Status.WITHDRAWN: frozenset(),
}
"""How an entry stands → how it may stand next."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry as it is now. `document` is the provider's product, checked; `reason` why it is quarantined."""

    number: int
    provider: str
    name: str
    version: str
    kind: str
    status: Status
    reason: Message | None
    revision: int
    document: Mapping[str, Any]
    created_at: float
    modified_at: float
    uses: int
    verified_at: float | None = None
    found: Mapping[str, Any] | None = None
    source: str | None = None

    @property
    def ref(self) -> str:
        return f"{self.provider}/{self.name}@{self.version}"

    @classmethod
    def read(cls, row: RowMapping) -> Kept:
        told = {one.name: row[one.name] for one in fields(cls)}
        reason = None if told["reason"] is None else Message.from_json(told["reason"])
        return cls(**{**told, "status": Status(told["status"]), "reason": reason})


def by_ref(provider: str, name: str, version: str) -> Select[Any]:
    return select(entries).where(
        entries.c.provider == provider, entries.c.name == name, entries.c.version == version
    )


def versions(provider: str, name: str) -> Select[Any]:
    """The newest first."""
    some = select(entries).where(entries.c.provider == provider, entries.c.name == name)
    return some.order_by(entries.c.created_at.desc(), entries.c.number.desc())


def some(numbers: Collection[int]) -> Select[Any]:
    return select(entries).where(entries.c.number.in_(numbers))


def since(revision: int, limit: int) -> Select[Any]:
    """What was said after that number of the log, in order: each with the entry as it is now."""
    told = select(entries, revisions.c.number.label("log"), revisions.c.at.label("at"))
    told = told.join(revisions, revisions.c.entry == entries.c.number).where(revisions.c.number > revision)
    return told.order_by(revisions.c.number).limit(limit)


async def put(connection: AsyncConnection, product: Product, by: str) -> Kept:
    """A new draft, or a new revision of what is there. Raises `Conflict` for what was withdrawn."""
    document, now = product.to_json(), time.time()
    query = by_ref(product.provider, product.name, product.version).with_for_update()
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        identity = {key: document[key] for key in ("provider", "name", "version")}
        told = {**identity, "status": Status.DRAFT, "revision": 0, "created_at": now, "modified_at": now}
        made = insert(entries).values(**told, kind=product.kind, document=document).returning(*entries.c)
        row = (await connection.execute(made)).mappings().one()
    kept = Kept.read(row)
    if kept.status is Status.WITHDRAWN:
        raise Conflict("entry.withdrawn", entry=kept.ref)
    told = {"document": document, "kind": product.kind, **_extent(product.extent)}
    if any(kept.document[name] != document[name] for name in ("replicas", "builds")):
        # What was seen of the old ones says nothing of these.
        await connection.execute(delete(checks).where(checks.c.entry == kept.number))
        await connection.execute(delete(pictures).where(pictures.c.entry == kept.number))
        told |= {"verified_at": None, "found": None}
    return await revise(connection, kept, by, told)


def _extent(extent: Extent | None) -> dict[str, float | None]:
    """Its columns; of the last day the last second."""
    box = (extent and extent.bbox) or (None,) * 4
    starts, ends = (_midnight(day) for day in ((extent.start, extent.end) if extent else (None, None)))
    whole_day = None if ends is None else ends + 86_399
    return dict(
        zip(("west", "south", "east", "north", "starts", "ends"), (*box, starts, whole_day), strict=True)
    )


def _midnight(day: datetime.date | None) -> float | None:
    """Seconds since the epoch (UTC)."""
    return None if day is None else float((day - datetime.date(1970, 1, 1)).days * 86_400)


async def move(
    connection: AsyncConnection, ref: tuple[str, str, str], status: Status, reason: Message | None, by: str
) -> Kept:
    """Raises `Missing`, and `Conflict` where :data:`MOVES` has no such way."""
    row = (await connection.execute(by_ref(*ref).with_for_update())).mappings().first()
    if row is None:
        raise Missing("entry.unknown", entry=f"{ref[0]}/{ref[1]}@{ref[2]}")
    kept = Kept.read(row)
    if status not in MOVES[kept.status]:
        raise Conflict("entry.status", entry=kept.ref, status=kept.status, wanted=status)
    told = None if reason is None else reason.to_json()
    return await revise(connection, kept, by, {"status": status, "reason": told})


async def use(connection: AsyncConnection, kept: Kept, person: str, **where: str | None) -> None:
    row = {"entry": kept.number, "revision": kept.revision, "at": time.time(), "person": person, **where}
    await connection.execute(insert(uses).values(row))
    more = update(entries).where(entries.c.number == kept.number)
    await connection.execute(more.values(uses=entries.c.uses + 1))


async def revise(connection: AsyncConnection, kept: Kept, by: str, changes: Mapping[str, Any]) -> Kept:
    """The entry with these columns changed; what it says and how it stands then is a revision."""
    now, next_ = time.time(), kept.revision + 1
    told = {**changes, "revision": next_, "modified_at": now}
    changed = update(entries).where(entries.c.number == kept.number).values(told).returning(*entries.c)
    row = (await connection.execute(changed)).mappings().one()
    await connection.execute(
        insert(revisions).values(
            entry=kept.number,
            revision=next_,
            at=now,
            by=by,
            **{key: row[key] for key in ("status", "reason", "document")},
        )
    )
    return Kept.read(row)
