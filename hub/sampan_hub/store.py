"""What the broker remembers of launches: every change in one transaction, with its time and its words."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any, Final, TypeVar

from sqlalchemy import RowMapping, Select, insert, or_, select
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
    end_no_job,
    live,
    lock,
    next_attempt,
    say,
    seen_since,
)
from sampan_hub.database import Database
from sampan_hub.followers import Followers
from sampan_hub.jobs import FoundJob
from sampan_hub.papers import Papers
from sampan_hub.permits import Held
from sampan_hub.queries import accounts_of, held_by, others_under, read_held, read_waits, waits_since
from sampan_hub.readmission import readmit
from sampan_hub.records import Attempt, Launch, Milestone, Transition
from sampan_hub.remembered import Remembered
from sampan_hub.rows import read_attempt, read_launch, read_transition
from sampan_hub.tables import attempts, launches, transitions, waits
from sampan_hub.waits import Wait

__all__ = ["Store"]

T = TypeVar("T")

_TRIES: Final = 5


class Store:
    """Reads and writes launches. A failing database is `Unavailable` (store.failed) and leaves nothing half-written.

    A caller that is cancelled may find its change made or not made, never a part of it.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._followers = Followers()
        self._launches: Remembered[Launch | None] = Remembered()
        self._attempts: Remembered[tuple[Attempt, ...]] = Remembered()

    @classmethod
    async def open(cls, url: str) -> Store:
        """The store at that SQLAlchemy URL, its tables up to date. Raises `Invalid` (store.url) and `Unavailable`."""
        return cls(await Database.open(url))

    async def close(self) -> None:
        await self.database.close()

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
        crowd: str | None = None,
    ) -> tuple[Launch, bool]:
        """The launch, and whether it is new.

        A live one of this (owner, kind, name) is returned as it is; so is the one that an earlier request of this owner with
        the same key was answered with, also when it has ended. Raises `Missing` for a parent that is not the owner's,
        `Conflict` for a key that was used for something else.
        """

        async def work(connection: AsyncConnection) -> tuple[Launch, bool]:
            wanted = {"need": need.to_json(), "options": dict(options), "prefix": prefix, "parent": parent}
            wanted["crowd"] = crowd
            return await create(connection, owner, kind, name, wanted, idempotency_key)

        for _ in range(_TRIES):
            # An IntegrityError: somebody was first, between our look and our write; the next look finds theirs.
            with contextlib.suppress(IntegrityError):
                return await self._write(work)
        raise Unavailable("store.failed", cause=f"a {kind} of {owner} could be neither found nor made")

    async def launch(self, name: str) -> Launch | None:
        query = select(launches).where(launches.c.id == name)
        return await self._launches.find(name, lambda: self._one(read_launch, query))

    async def live_launch(self, owner: str, kind: Kind, name: str) -> Launch | None:
        """The one launch of that owner, kind and name that has not ended."""
        return await self._one(read_launch, live(owner, kind, name))

    async def live_launches(self) -> tuple[Launch, ...]:
        """Every launch that has not ended, the oldest first."""
        query = select(launches).where(launches.c.ended_at.is_(None))
        return await self._all(read_launch, query.order_by(launches.c.created_at, launches.c.id))

    async def launches(
        self, owner: str | None, *, live_only: bool = False, within: str | None = None, limit: int = 200
    ) -> tuple[Launch, ...]:
        """Launches of an owner (None: of everybody), the newest first; `within`: that launch and its children alone."""
        query = select(launches).order_by(launches.c.created_at.desc(), launches.c.id).limit(limit)
        if owner is not None:
            query = query.where(launches.c.owner == owner)
        if live_only:
            query = query.where(launches.c.ended_at.is_(None))
        if within is not None:
            query = query.where(or_(launches.c.id == within, launches.c.parent == within))
        return await self._all(read_launch, query)

    async def update_launch(self, launch: str, **fields: Any) -> None:
        """Changes fields of a launch without saying anything of it. Raises `Missing`."""
        await self._write(lambda connection: change_launch(connection, launch, fields), launch)

    # --- attempts

    async def attempts(self, launch: str) -> tuple[Attempt, ...]:
        """All attempts of a launch, the first one first."""
        query = select(attempts).where(attempts.c.launch == launch).order_by(attempts.c.number)
        return await self._attempts.find(launch, lambda: self._all(read_attempt, query))

    async def attempt_by_tag(self, tag: str) -> Attempt | None:
        return await self._one(read_attempt, select(attempts).where(attempts.c.tag == tag))

    async def others_of(self, centre: str, account: str, owner: str) -> bool:
        """Whether anybody but `owner` has ever had an attempt under this account of the centre."""
        query = others_under(centre, account, owner)
        return await self._one(lambda row: str(row["owner"]), query) is not None

    async def accounts(self, centre: str, since: float, unconfirmed_since: float) -> frozenset[str]:
        """The accounts of that centre of which jobs may live there.

        They have live attempts, or had some that ended since the first time, or whose end nobody confirmed since the second.
        """
        query = accounts_of(centre, since, unconfirmed_since)
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
        minutes: int | None = None,
        rival: bool = False,
    ) -> Attempt:
        """Writes the row of the next attempt, with its tag, before anything is submitted.

        Raises `Conflict` where the launch is to stop or has ended (a stop that came first wins), and where another attempt
        of it has not ended. A `rival` is one beside another that lives: it is told of, and its launch stays where it is.
        """

        async def work(connection: AsyncConnection) -> Attempt:
            row = await lock(connection, launch)
            if row["target"] != Target.READY:
                raise Conflict("launch.over", launch=launch)
            place = {"centre": centre, "share": share, "account": account, "minutes": minutes, "rival": rival}
            made = await next_attempt(connection, launch, hub_id, **place, predicted=predicted, ahead=ahead)
            stage, seen = (Stage(row["stage"]), Seen.ALIVE) if rival else (Stage.PLACED, Seen.UNKNOWN)
            await say(connection, row, message, stage, seen, progress, made.number, centre)
            return made

        try:
            return await self._write(work, launch)
        except IntegrityError as error:
            raise Conflict("launch.attempt", launch=launch) from error

    async def readmit(self, papers: Papers, job: FoundJob, message: Message) -> Launch:
        """Writes anew what the papers tell of a job that lives. Raises `Conflict` where its place is taken."""
        try:
            return await self._write(
                lambda connection: readmit(connection, papers, job, message), papers.launch
            )
        except IntegrityError as error:
            raise Conflict("launch.attempt", launch=papers.launch) from error

    async def update_attempt(self, launch: str, number: int, **fields: Any) -> None:
        """Changes fields of an attempt without saying anything of it. Raises `Missing`."""
        await self._write(lambda connection: change_attempt(connection, launch, number, fields), launch)

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
        promoted: int | None = None,
        aloud: bool = False,
    ) -> Transition | None:
        """One change: the rows and what is said of it, in one transaction. Shown progress never goes down.

        Of a rival nothing is said unless `aloud`: its launch is where its holder is. `promoted`: the holder from now on.
        Raises `Missing`, and `Conflict` for a launch that has ended, and for the end of one that has a live attempt.
        """

        async def work(connection: AsyncConnection) -> Transition | None:
            row = await lock(connection, launch)
            centre = None
            if attempt is not None:
                fields = {"seen": seen, "seen_at": seen_since(seen), **(attempt_fields or {})}
                centre, rival = await change_attempt(connection, launch, attempt, fields)
                if rival and not aloud:
                    return None
            if promoted is not None:
                await change_attempt(connection, launch, promoted, {"rival": False})
            if launch_fields:
                await end_no_job(connection, launch, launch_fields)
                await change_launch(connection, launch, launch_fields)
            return await say(connection, row, message, stage, seen, progress, attempt, centre, final)

        return await self._write(work, launch)

    async def transitions(self, launch: str, after: int = 0) -> tuple[Transition, ...]:
        """What happened to a launch, in order, after that transition number."""
        later = select(transitions).where(transitions.c.launch == launch, transitions.c.number > after)
        return await self._all(read_transition, later.order_by(transitions.c.number))

    async def told(self, launch: str, number: int) -> bool:
        """Whether that is the number of a transition of this launch."""
        mine = select(transitions.c.number).where(transitions.c.launch == launch)
        return await self._one(dict, mine.where(transitions.c.number == number)) is not None

    def followed(self, launch: str) -> AbstractContextManager[asyncio.Event]:
        """An event that is set whenever something happens to this launch, for as long as the context lasts."""
        return self._followers.of(launch)

    async def held(self, owner: str) -> dict[str, Held]:
        """Centre → how many jobs of ours this person has there now."""
        return read_held(await self._all(dict, held_by(owner)))

    # --- waits

    async def add_wait(self, centre: str, share: str, wait: Wait) -> None:
        """Remembers how long a job waited, beside what had been predicted."""
        row = {"centre": centre, "share": share, **asdict(wait)}

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(insert(waits).values(row))

        await self._write(work)

    async def recent_waits(self, since: float) -> dict[tuple[str, str], list[Wait]]:
        """(centre, share) → the waits since that time of which the conditions are known, the newest first."""
        return read_waits(await self._all(dict, waits_since(since)))

    # --- the database

    async def rows(self, query: Select[Any]) -> tuple[RowMapping, ...]:
        """What a question of :mod:`sampan_hub.queries` finds: for whoever counts, not for who moves launches."""
        return await self._all(lambda row: row, query)

    async def _write(self, work: Callable[[AsyncConnection], Awaitable[T]], launch: str = "") -> T:
        def then() -> None:
            self._launches.forget(launch)
            self._attempts.forget(launch)
            self._followers.tell(launch)

        return await self.database.write(work, then)

    async def _all(self, read: Callable[[RowMapping], T], query: Select[Any]) -> tuple[T, ...]:
        async def work(connection: AsyncConnection) -> tuple[T, ...]:
            return tuple(read(row) for row in (await connection.execute(query)).mappings())

        return await self.database.read(work)

    async def _one(self, read: Callable[[RowMapping], T], query: Select[Any]) -> T | None:
        found = await self._all(read, query)
        return found[0] if found else None
