"""What the broker remembers of launches: every change in one transaction, with its time and its words."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import string
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from sampan.errors import Conflict, Missing
from sampan.messages import Message
from sampan.need import Need
from sampan.stages import Kind, Seen, Stage, Target
from sampan_hub.database import Database
from sampan_hub.history import advance, tell
from sampan_hub.records import Attempt, Launch, Transition
from sampan_hub.rows import columns, read_attempt, read_launch, read_transition
from sampan_hub.tables import attempts, keys, launches, transitions, waits

__all__ = ["Store"]

_ALPHABET: Final = string.ascii_lowercase + string.digits
_ID_LENGTH: Final = 12
_FIRST_PROGRESS: Final = 5


class Store:
    """Reads and writes launches. Whatever fails raises `Unavailable` (store.failed) and leaves nothing half-done."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._followers: dict[str, set[asyncio.Event]] = {}

    @classmethod
    async def open(cls, url: str) -> Store:
        """The store of that SQLAlchemy URL, its tables up to date."""
        return cls(await Database.open(url))

    async def close(self) -> None:
        await self._database.close()

    # --- launches

    async def create_launch(
        self,
        owner: str,
        kind: Kind,
        name: str,
        need: Need,
        options: Mapping[str, Any],
        prefix: str,
        parent: str | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[Launch, bool]:
        """The launch and whether it is new: the live one of (owner, kind, name), or an earlier one with this key, is kept."""
        row = {
            "owner": owner,
            "kind": str(kind),
            "name": name,
            "need": need.to_json(),
            "options": dict(options),
            "prefix": prefix,
            "target": str(Target.READY),
            "stage": str(Stage.PLACED),
            "seen": str(Seen.UNKNOWN),
            "progress": _FIRST_PROGRESS,
            "parent": parent,
        }

        async def write(connection: AsyncConnection) -> str:
            now = time.time()
            name = "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))
            message = Message("launch.accepted")
            fresh = {**row, "id": name, "message": message.to_json(), "created_at": now}
            await connection.execute(insert(launches).values(fresh))
            await tell(connection, name, message, Stage.PLACED, Seen.UNKNOWN, _FIRST_PROGRESS, at=now)
            if idempotency_key is not None:
                key = {"owner": owner, "key": idempotency_key, "launch": name, "at": now}
                await connection.execute(insert(keys).values(key))
            return name

        for _ in range(3):
            if known := await self._known(owner, kind, name, idempotency_key):
                return known, False
            # An IntegrityError: somebody else was first, between our look and our write; theirs is the one.
            with contextlib.suppress(IntegrityError):
                created = await self.launch(await self._database.write(write))
                if created is not None:
                    return created, True
        raise Conflict("launch.exists", name=name or owner)

    async def _known(self, owner: str, kind: Kind, name: str, key: str | None) -> Launch | None:
        if key is not None:
            of_key = (keys.c.owner == owner) & (keys.c.key == key) & (keys.c.launch == launches.c.id)
            if found := await self._rows(select(launches).where(of_key)):
                return read_launch(found[0])
        return await self.live_launch(owner, kind, name)

    async def live_launch(self, owner: str, kind: Kind, name: str) -> Launch | None:
        """The one launch of that owner, kind and name that has not ended."""
        same = (launches.c.owner == owner) & (launches.c.kind == str(kind)) & (launches.c.name == name)
        found = await self._rows(select(launches).where(same, launches.c.ended_at.is_(None)))
        return read_launch(found[0]) if found else None

    async def launch(self, name: str) -> Launch | None:
        found = await self._rows(select(launches).where(launches.c.id == name))
        return read_launch(found[0]) if found else None

    async def live_launches(self) -> tuple[Launch, ...]:
        """Every launch that has not ended, the oldest first."""
        query = select(launches).where(launches.c.ended_at.is_(None)).order_by(launches.c.created_at)
        return tuple(read_launch(row) for row in await self._rows(query))

    async def launches(self, owner: str | None, *, live_only: bool, limit: int = 200) -> tuple[Launch, ...]:
        """Launches of an owner (None: of everybody), the newest first."""
        query = select(launches).order_by(launches.c.created_at.desc()).limit(limit)
        if owner is not None:
            query = query.where(launches.c.owner == owner)
        if live_only:
            query = query.where(launches.c.ended_at.is_(None))
        return tuple(read_launch(row) for row in await self._rows(query))

    async def update_launch(self, name: str, **changes: Any) -> None:
        """Changes fields of a launch without saying anything of it."""
        change = update(launches).where(launches.c.id == name).values(columns(Launch, changes))
        await self._database.write(lambda connection: connection.execute(change))

    # --- attempts

    async def attempts(self, launch: str) -> tuple[Attempt, ...]:
        """All attempts of a launch, the first one first."""
        query = select(attempts).where(attempts.c.launch == launch).order_by(attempts.c.number)
        return tuple(read_attempt(row) for row in await self._rows(query))

    async def attempt_by_tag(self, tag: str) -> Attempt | None:
        found = await self._rows(select(attempts).where(attempts.c.tag == tag))
        return read_attempt(found[0]) if found else None

    async def add_attempt(
        self,
        launch: str,
        *,
        centre: str,
        share: str,
        account: str,
        hub_id: str,
        message: Message,
        progress: int,
    ) -> Attempt:
        """Writes the row of a next attempt, with its tag, before anything is submitted.

        Raises `Conflict` where the launch is to stop or has ended: a stop that came first wins.
        """

        async def write(connection: AsyncConnection) -> str:
            now = time.time()
            wanted = select(launches.c.target, launches.c.ended_at).where(launches.c.id == launch)
            row = (await connection.execute(wanted.with_for_update())).one_or_none()
            if row is None or row.ended_at is not None or row.target != Target.READY:
                raise Conflict("launch.over", launch=launch)
            counted = select(func.coalesce(func.max(attempts.c.number), 0)).where(attempts.c.launch == launch)
            number = int((await connection.execute(counted)).scalar_one()) + 1
            tag = f"sampan-{hub_id}-{launch}-{number}"
            values = {
                "launch": launch,
                "number": number,
                "centre": centre,
                "share": share,
                "account": account,
            }
            stage = {"stage": str(Stage.PLACED), "stage_at": now, "seen": str(Seen.UNKNOWN), "seen_at": now}
            await connection.execute(insert(attempts).values(**values, **stage, tag=tag, created_at=now))
            await advance(
                connection, launch, message, Stage.PLACED, Seen.UNKNOWN, progress, at=now, attempt=number
            )
            return tag

        tag = await self._database.write(write)
        self._changed(launch)
        added = await self.attempt_by_tag(tag)
        if added is None:
            raise Missing("launch.unknown_id", launch=launch)
        return added

    async def update_attempt(self, launch: str, number: int, **changes: Any) -> None:
        """Changes fields of an attempt without saying anything of it."""
        change = _attempt(launch, number, changes)
        await self._database.write(lambda connection: connection.execute(change))

    # --- transitions

    async def step(
        self,
        launch: str,
        *,
        message: Message,
        stage: Stage,
        seen: Seen,
        progress: int | None = None,
        attempt: int | None = None,
        attempt_fields: Mapping[str, Any] | None = None,
        launch_fields: Mapping[str, Any] | None = None,
        final: str | None = None,
    ) -> None:
        """One change: the rows and what is said of it, in one transaction. Shown progress never goes down."""
        now = time.time()

        async def write(connection: AsyncConnection) -> None:
            if attempt is not None:
                await connection.execute(
                    _attempt(launch, attempt, {"seen": seen, "seen_at": now, **(attempt_fields or {})})
                )
            if launch_fields:
                changes = columns(Launch, launch_fields)
                await connection.execute(update(launches).where(launches.c.id == launch).values(changes))
            await advance(
                connection, launch, message, stage, seen, progress, at=now, attempt=attempt, final=final
            )

        await self._database.write(write)
        self._changed(launch)

    async def transitions(self, launch: str, after: int = 0) -> tuple[Transition, ...]:
        """What happened to a launch, in order, after that transition number."""
        later = (transitions.c.launch == launch) & (transitions.c.number > after)
        rows = await self._rows(select(transitions).where(later).order_by(transitions.c.number))
        return tuple(read_transition(row) for row in rows)

    @contextlib.contextmanager
    def followed(self, launch: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever something happens to this launch, for as long as the context lasts."""
        event = asyncio.Event()
        self._followers.setdefault(launch, set()).add(event)
        try:
            yield event
        finally:
            self._followers[launch].discard(event)
            if not self._followers[launch]:
                del self._followers[launch]

    def _changed(self, launch: str) -> None:
        for event in self._followers.get(launch, ()):
            event.set()

    # --- waits

    async def add_wait(self, centre: str, share: str, seconds: float, predicted: float | None = None) -> None:
        """Remembers how long a job really waited, in seconds."""
        row = {"centre": centre, "share": share, "real": seconds, "predicted": predicted, "at": time.time()}
        await self._database.write(lambda connection: connection.execute(insert(waits).values(row)))

    async def typical_waits(self, since: float) -> dict[tuple[str, str], float]:
        """Mean wait in seconds per (centre, share) of jobs since that time."""
        mean = func.avg(waits.c.real).label("mean")
        query = select(waits.c.centre, waits.c.share, mean).where(waits.c.at >= since)
        rows = await self._rows(query.group_by(waits.c.centre, waits.c.share))
        return {(row["centre"], row["share"]): float(row["mean"]) for row in rows}

    async def _rows(self, query: Select[Any]) -> list[Mapping[str, Any]]:
        async def read(connection: AsyncConnection) -> list[Mapping[str, Any]]:
            return list((await connection.execute(query)).mappings())

        return await self._database.read(read)


def _attempt(launch: str, number: int, changes: Mapping[str, Any]) -> Any:
    same = (attempts.c.launch == launch) & (attempts.c.number == number)
    return update(attempts).where(same).values(columns(Attempt, changes))
