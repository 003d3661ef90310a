"""Changes of launches and attempts within one transaction, and what is said of them."""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, Select, case, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sampan.errors import Conflict, Missing
from sampan.messages import Message
from sampan.stages import Kind, Seen, Stage, Target
from sampan_hub.records import Attempt, Launch, Milestone, Transition
from sampan_hub.rows import columns, read_attempt, read_launch, read_transition
from sampan_hub.tables import attempts, keys, launches, transitions

__all__ = [
    "change_attempt",
    "change_launch",
    "create",
    "end_no_job",
    "live",
    "lock",
    "next_attempt",
    "say",
    "seen_since",
]

_ID_LENGTH: Final = 12
_ALPHABET: Final = string.ascii_lowercase + string.digits
_ACCEPTED: Final = 5
"""Percent shown for a launch that has no attempt yet."""


def live(owner: str, kind: Kind, name: str) -> Select[Any]:
    """The one launch of that owner, kind and name that has not ended."""
    query = select(launches).where(launches.c.owner == owner, launches.c.kind == kind)
    return query.where(launches.c.name == name, launches.c.ended_at.is_(None))


async def create(
    connection: AsyncConnection, owner: str, kind: Kind, name: str, wanted: Mapping[str, Any], key: str | None
) -> tuple[Launch, bool]:
    """Finds or makes a launch; see :meth:`sampan_hub.store.Store.create_launch`. `IntegrityError`: somebody was first."""
    known = await _answered(connection, owner, key)
    if known is not None:
        if (known["kind"], known["name"]) != (kind, name):
            raise Conflict("launch.key")
        return read_launch(known), False
    row = (await connection.execute(live(owner, kind, name))).mappings().one_or_none()
    created = row is None
    if row is None:
        row = await _insert(connection, owner, kind, name, wanted)
    if key is not None:
        answer = {"owner": owner, "key": key, "launch": row["id"], "at": time.time()}
        await connection.execute(insert(keys).values(answer))
    return read_launch(row), created


async def lock(connection: AsyncConnection, launch: str) -> RowMapping:
    """The row of a live launch, which nobody else changes until the end of this transaction."""
    query = select(launches).where(launches.c.id == launch).with_for_update()
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise Missing("launch.unknown_id", launch=launch)
    if row["ended_at"] is not None:
        raise Conflict("launch.over", launch=launch)
    return row


async def next_attempt(connection: AsyncConnection, launch: str, hub_id: str, **fields: Any) -> Attempt:
    """The row of the next attempt of a locked launch."""
    counted = select(func.coalesce(func.max(attempts.c.number), 0)).where(attempts.c.launch == launch)
    number = int((await connection.execute(counted)).scalar_one()) + 1
    now = time.time()
    row = {
        "launch": launch,
        "number": number,
        "tag": f"sampan-{hub_id}-{launch}-{number}",
        "stage": Stage.PLACED,
        "stage_at": now,
        "seen": Seen.UNKNOWN,
        "created_at": now,
        **fields,
    }
    made = await connection.execute(insert(attempts).values(row).returning(attempts))
    return read_attempt(made.mappings().one())


async def change_launch(connection: AsyncConnection, launch: str, fields: Mapping[str, Any]) -> None:
    query = update(launches).where(launches.c.id == launch).values(columns(Launch, fields))
    if (await connection.execute(query)).rowcount != 1:
        raise Missing("launch.unknown_id", launch=launch)


def seen_since(seen: Seen) -> ColumnElement[float]:
    """Since when that is what is seen of an attempt: since before this change, where nothing else was seen."""
    now = time.time()
    return case((attempts.c.seen == seen, func.coalesce(attempts.c.seen_at, now)), else_=now)


async def change_attempt(
    connection: AsyncConnection, launch: str, number: int, fields: Mapping[str, Any]
) -> tuple[str, bool]:
    """The centre of the attempt that was changed, and whether it is a rival."""
    query = update(attempts).where(attempts.c.launch == launch, attempts.c.number == number)
    told = attempts.c.centre, attempts.c.rival
    done = await connection.execute(query.values(columns(Attempt, fields)).returning(*told))
    row = done.one_or_none()
    if row is None:
        raise Missing("launch.unknown_id", launch=f"{launch}-{number}")
    return str(row.centre), bool(row.rival)


async def end_no_job(connection: AsyncConnection, launch: str, fields: Mapping[str, Any]) -> None:
    """Raises `Conflict` where these changes would end a launch with a live attempt: nobody would look after its job."""
    if fields.get("ended_at") is None:
        return
    query = select(attempts.c.number).where(attempts.c.launch == launch, attempts.c.ended_at.is_(None))
    if (await connection.execute(query.limit(1))).one_or_none() is not None:
        raise Conflict("launch.attempt", launch=launch)


async def say(
    connection: AsyncConnection,
    launch: RowMapping,
    message: Message,
    stage: Stage,
    seen: Seen,
    progress: int | None,
    attempt: int | None = None,
    centre: str | None = None,
    final: Milestone | None = None,
) -> Transition:
    """Says it: on the row of a locked launch and in its history. What is shown as done never becomes less."""
    shown = max(launch["progress"], progress or 0)
    changes = {"message": message, "progress": shown, "stage": stage}
    await change_launch(connection, launch["id"], changes)
    row = {
        "launch": launch["id"],
        "attempt": attempt,
        "at": time.time(),
        "stage": stage,
        "seen": seen,
        "centre": centre,
        "progress": shown,
        "message": message.to_json(),
        "final": final,
    }
    made = await connection.execute(insert(transitions).values(row).returning(transitions))
    return read_transition(made.mappings().one())


async def _answered(connection: AsyncConnection, owner: str, key: str | None) -> RowMapping | None:
    """The launch that an earlier request of this owner with this key was answered with."""
    if key is None:
        return None
    query = select(launches).join(keys, keys.c.launch == launches.c.id)
    known = await connection.execute(query.where(keys.c.owner == owner, keys.c.key == key))
    return known.mappings().one_or_none()


async def _insert(
    connection: AsyncConnection, owner: str, kind: Kind, name: str, wanted: Mapping[str, Any]
) -> RowMapping:
    parent = wanted["parent"]
    if parent is not None:
        theirs = select(launches.c.id).where(launches.c.id == parent, launches.c.owner == owner)
        if (await connection.execute(theirs)).one_or_none() is None:
            raise Missing("launch.unknown_id", launch=parent)
    message = Message("launch.accepted")
    row = {
        **wanted,
        "id": "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH)),
        "owner": owner,
        "kind": kind,
        "name": name,
        "target": Target.READY,
        "stage": Stage.PLACED,
        "progress": _ACCEPTED,
        "message": message.to_json(),
        "created_at": time.time(),
    }
    made: RowMapping = (
        (await connection.execute(insert(launches).values(row).returning(launches))).mappings().one()
    )
    await say(connection, made, message, Stage.PLACED, Seen.UNKNOWN, _ACCEPTED)
    return made
