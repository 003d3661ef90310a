"""What the broker remembers of launches: every change in one transaction, with its time and its words."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any, Final, TypeVar

from sqlalchemy import RowMapping, Select, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from sampan.errors import Conflict, Unavailable
from sampan.messages import Message
from sampan.need import Need
from sampan.stages import Kind, Seen, Stage, Target
from sampan_hub.changes import (
    change_attempt,
    change_launch,
    create,
    live,
    lock,
    next_attempt,
    say,
    seen_since,
)
from sampan_hub.database import Database
from sampan_hub.permits import Held
from sampan_hub.records import Attempt, Launch, Milestone, Transition
from sampan_hub.rows import read_attempt, read_launch, read_transition
from sampan_hub.tables import attempts, launches, transitions, waits
from sampan_hub.waits import Wait

__all__ = ["Store"]

T = TypeVar("T")

_MOST_WAITS: Final = 20_000
_BEFORE_RUNNING: Final = (Stage.PLACED, Stage.SUBMITTED, Stage.QUEUED)
_TRIES: Final = 5


class Store:
    """Reads and writes launches. A failing database is `Unavailable` (store.failed) and leaves nothing half-written.

    A caller that is cancelled may find its change made or not made, never a part of it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._followers: dict[str, set[asyncio.Event]] = {}

    @classmethod
    async def open(cls, url: str) -> Store:
        """The store at that SQLAlchemy URL, its tables up to date. Raises `Invalid` (store.url) and `Unavailable`."""
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
        """The launch, and whether it is new.

        A live one of this (owner, kind, name) is returned as it is; so is the one that an earlier request of this owner with
        the same key was answered with, also when it has ended. Raises `Missing` for a parent that is not the owner's,
        `Conflict` for a key that was used for something else.
        """

        async def work(connection: AsyncConnection) -> tuple[Launch, bool]:
            wanted = {"need": need.to_json(), "options": dict(options), "prefix": prefix, "parent": parent}
            return await create(connection, owner, kind, name, wanted, idempotency_key)

        for _ in range(_TRIES):
            # An IntegrityError: somebody was first, between our look and our write; the next look finds theirs.
            with contextlib.suppress(IntegrityError):
                return await self._write(work)
        raise Unavailable("store.failed", cause=f"a {kind} of {owner} could be neither found nor made")

    async def launch(self, name: str) -> Launch | None:
        return await self._one(read_launch, select(launches).where(launches.c.id == name))

    async def live_launch(self, owner: str, kind: Kind, name: str) -> Launch | None:
        """The one launch of that owner, kind and name that has not ended."""
        return await self._one(read_launch, live(owner, kind, name))

    async def live_launches(self) -> tuple[Launch, ...]:
        """Every launch that has not ended, the oldest first."""
        query = select(launches).where(launches.c.ended_at.is_(None))
        return await self._all(read_launch, query.order_by(launches.c.created_at, launches.c.id))

    async def launches(
        self, owner: str | None, *, live_only: bool = False, limit: int = 200
    ) -> tuple[Launch, ...]:
        """Launches of an owner (None: of everybody), the newest first."""
        query = select(launches).order_by(launches.c.created_at.desc(), launches.c.id).limit(limit)
        if owner is not None:
            query = query.where(launches.c.owner == owner)
        if live_only:
            query = query.where(launches.c.ended_at.is_(None))
        return await self._all(read_launch, query)

    async def update_launch(self, launch: str, **fields: Any) -> None:
        """Changes fields of a launch without saying anything of it. Raises `Missing`."""

        async def work(connection: AsyncConnection) -> None:
            await change_launch(connection, launch, fields)

        await self._write(work, launch)

    # --- attempts

    async def attempts(self, launch: str) -> tuple[Attempt, ...]:
        """All attempts of a launch, the first one first."""
        query = select(attempts).where(attempts.c.launch == launch).order_by(attempts.c.number)
        return await self._all(read_attempt, query)

    async def attempt_by_tag(self, tag: str) -> Attempt | None:
        return await self._one(read_attempt, select(attempts).where(attempts.c.tag == tag))

    async def others_of(self, centre: str, account: str, owner: str) -> bool:
        """Whether anybody but `owner` has ever had an attempt under this account of the centre."""
        same = (
            (attempts.c.centre == centre)
            & (attempts.c.account == account)
            & (attempts.c.launch == launches.c.id)
        )
        query = select(launches.c.owner).where(same, launches.c.owner != owner).limit(1)
        return await self._one(lambda row: str(row["owner"]), query) is not None

    async def accounts(self, centre: str, since: float, unconfirmed_since: float) -> frozenset[str]:
        """The accounts of that centre of which jobs may live there.

        They have live attempts, or had some that ended since the first time, or whose end nobody confirmed since the second.
        """
        unconfirmed = (attempts.c.seen != Seen.ENDED) & (attempts.c.ended_at >= unconfirmed_since)
        lately = attempts.c.ended_at.is_(None) | (attempts.c.ended_at >= since) | unconfirmed
        query = select(attempts.c.account).where(attempts.c.centre == centre, lately).distinct()
        return frozenset(await self._all(lambda row: str(row["account"]), query))

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
        predicted: float | None = None,
        ahead: int | None = None,
    ) -> Attempt:
        """Writes the row of the next attempt, with its tag, before anything is submitted.

        Raises `Conflict` where the launch is to stop or has ended (a stop that came first wins), and where another attempt
        of it has not ended.
        """

        async def work(connection: AsyncConnection) -> Attempt:
            row = await lock(connection, launch)
            if row["target"] != Target.READY:
                raise Conflict("launch.over", launch=launch)
            place = {"centre": centre, "share": share, "account": account}
            made = await next_attempt(connection, launch, hub_id, **place, predicted=predicted, ahead=ahead)
            await say(connection, row, message, Stage.PLACED, Seen.UNKNOWN, progress, made.number, centre)
            return made

        try:
            return await self._write(work, launch)
        except IntegrityError as error:
            raise Conflict("launch.attempt", launch=launch) from error

    async def update_attempt(self, launch: str, number: int, **fields: Any) -> None:
        """Changes fields of an attempt without saying anything of it. Raises `Missing`."""

        async def work(connection: AsyncConnection) -> None:
            await change_attempt(connection, launch, number, fields)

        await self._write(work, launch)

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
        final: Milestone | None = None,
    ) -> Transition:
        """One change: the rows and what is said of it, in one transaction. Shown progress never goes down.

        Raises `Missing`, and `Conflict` for a launch that has ended: nothing is said of it any more.
        """

        async def work(connection: AsyncConnection) -> Transition:
            row = await lock(connection, launch)
            centre = None
            if attempt is not None:
                fields = {"seen": seen, "seen_at": seen_since(seen), **(attempt_fields or {})}
                centre = await change_attempt(connection, launch, attempt, fields)
            if launch_fields:
                await change_launch(connection, launch, launch_fields)
            return await say(connection, row, message, stage, seen, progress, attempt, centre, final)

        return await self._write(work, launch)

    async def transitions(self, launch: str, after: int = 0) -> tuple[Transition, ...]:
        """What happened to a launch, in order, after that transition number."""
        later = select(transitions).where(transitions.c.launch == launch, transitions.c.number > after)
        return await self._all(read_transition, later.order_by(transitions.c.number))

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

    async def held(self, owner: str) -> dict[str, Held]:
        """Centre → how many jobs of ours this person has there now."""
        mine = select(attempts.c.centre, attempts.c.stage, func.count().label("jobs"))
        mine = mine.where(attempts.c.launch == launches.c.id, launches.c.owner == owner)
        mine = mine.where(attempts.c.ended_at.is_(None), attempts.c.job.is_not(None))
        found: dict[str, Held] = {}
        for row in await self._all(dict, mine.group_by(attempts.c.centre, attempts.c.stage)):
            before, waits_yet = found.get(row["centre"], Held()), row["stage"] in _BEFORE_RUNNING
            found[row["centre"]] = Held(
                before.running + (0 if waits_yet else row["jobs"]),
                before.waiting + (row["jobs"] if waits_yet else 0),
            )
        return found

    # --- waits

    async def add_wait(self, centre: str, share: str, wait: Wait) -> None:
        """Remembers how long a job waited, beside what had been predicted."""
        row = {"centre": centre, "share": share, **asdict(wait)}

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(insert(waits).values(row))

        await self._write(work)

    async def recent_waits(self, since: float) -> dict[tuple[str, str], list[Wait]]:
        """(centre, share) → the waits since that time of which the conditions are known, the newest first."""
        names = [field.name for field in fields(Wait)]
        query = select(waits.c.centre, waits.c.share, *(waits.c[name] for name in names))
        query = query.where(waits.c.at >= since, waits.c.cores.is_not(None))
        query = query.order_by(waits.c.at.desc(), waits.c.number.desc()).limit(_MOST_WAITS)
        found: dict[tuple[str, str], list[Wait]] = {}
        for row in await self._all(dict, query):
            wait = Wait(**{name: row[name] for name in names})
            found.setdefault((row["centre"], row["share"]), []).append(wait)
        return found

    # --- the database

    async def _write(self, work: Callable[[AsyncConnection], Awaitable[T]], launch: str = "") -> T:
        return await self._database.write(work, then=lambda: self._changed(launch))

    def _changed(self, launch: str) -> None:
        for event in self._followers.get(launch, ()):
            event.set()

    async def _all(self, read: Callable[[RowMapping], T], query: Select[Any]) -> tuple[T, ...]:
        async def work(connection: AsyncConnection) -> tuple[T, ...]:
            return tuple(read(row) for row in (await connection.execute(query)).mappings())

        return await self._database.read(work)

    async def _one(self, read: Callable[[RowMapping], T], query: Select[Any]) -> T | None:
        found = await self._all(read, query)
        return found[0] if found else None
