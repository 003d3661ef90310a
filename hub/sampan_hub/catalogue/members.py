"""Providers: who asked to be one, who may speak for it. A person registers a provider, and an administrator approves it.

Who registered an approved provider speaks for it; so does everybody whom an administrator puts into the hub's group
`sampan:provider:<name>`. While it is suspended nobody does.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from sampan.errors import Conflict, Invalid, Missing
from sampan_hub.catalogue.product import Contact, Name, Summary, Title
from sampan_hub.database import Database
from sampan_hub.people import Person
from sampan_hub.tables import entries, providers

__all__ = ["Member", "Members", "Registration", "Sort", "Standing"]

_MOST: Final = 10
"""Providers that one person may wait for at a time."""


class Sort(StrEnum):
    """What a provider brings: the seven classes of the federation's members."""

    COMPUTING = "computing"
    DATA = "data"
    SOFTWARE = "software"
    APPLICATION = "application"
    MODEL = "model"
    SERVICE = "service"
    TRAINING = "training"


class Standing(StrEnum):
    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    SUSPENDED = "suspended"

    @property
    def explained(self) -> bool:
        return self in {Standing.REFUSED, Standing.SUSPENDED}


class Registration(BaseModel):
    """What somebody says who wants to publish as a provider."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Name
    sort: Sort
    title: Title
    summary: Summary
    contacts: Annotated[tuple[Contact, ...], Field(min_length=1, max_length=20)]


@dataclass(frozen=True, slots=True)
class Member:
    name: str
    sort: str
    standing: Standing
    founder: str
    document: Mapping[str, Any]
    reason: Mapping[str, str] | None
    asked_at: float
    decided_at: float | None
    decided_by: str | None

    @classmethod
    def read(cls, row: RowMapping) -> Self:
        told = {one.name: row[one.name] for one in dataclasses.fields(cls)}
        return cls(**{**told, "standing": Standing(told["standing"])})


class Members:
    """The table of providers. What it says of roles is remembered: every request asks for that."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, Member] | None = None
        self._lock = asyncio.Lock()

    async def every(self) -> Mapping[str, Member]:
        if self._known is None:
            async with self._lock:
                self._known = {one.name: one for one in await self._database.read(_all)}
        return self._known

    async def as_member(self, person: Person) -> Person:
        """The person with the groups that follow from what they registered, and without those of a provider that is suspended."""
        known = (await self.every()).values()
        mine = {
            _group(one.name)
            for one in known
            if one.founder == person.name and one.standing is Standing.APPROVED
        }
        lost = {_group(one.name) for one in known if one.standing is Standing.SUSPENDED}
        groups = (person.groups | mine) - lost
        return person if groups == person.groups else dataclasses.replace(person, groups=groups)

    async def register(self, told: Registration, person: Person) -> Member:
        """Raises `Conflict`: the name is somebody's, or this person waits for too many."""
        known = await self.every()
        old = known.get(told.name)
        if old is not None and not (old.founder == person.name and old.standing in _OPEN):
            raise Conflict("provider.taken", provider=told.name)
        waiting = [
            one for one in known.values() if one.founder == person.name and one.standing is Standing.ASKED
        ]
        if old is None and len(waiting) >= _MOST:
            raise Conflict("provider.many", most=_MOST)

        async def work(connection: AsyncConnection) -> None:
            used = select(entries.c.number).where(entries.c.provider == told.name).limit(1)
            others = (await connection.execute(used)).first() is not None
            if others and told.name not in person.provides and not person.admin:
                raise Conflict("provider.taken", provider=told.name)
            row = {
                "sort": told.sort,
                "standing": Standing.ASKED,
                "document": told.model_dump(mode="json", exclude={"name", "sort"}),
                "asked_at": time.time(),
                "reason": None,
            }
            if old is None:
                try:
                    await connection.execute(
                        insert(providers).values(name=told.name, founder=person.name, **row)
                    )
                except IntegrityError as error:
                    raise Conflict("provider.taken", cause=str(error), provider=told.name) from error
            else:
                await connection.execute(update(providers).where(providers.c.name == told.name).values(row))

        return await self._write(told.name, work)

    async def decide(self, name: str, standing: Standing, reason: Summary | None, person: Person) -> Member:
        """Raises `Missing`, and `Invalid` where a reason is missing or there is one without need."""
        if name not in await self.every():
            raise Missing("provider.unknown", provider=name)
        if standing is Standing.ASKED or standing.explained != (reason is not None):
            raise Invalid("provider.reason", field="reason" if standing is not Standing.ASKED else "standing")

        async def work(connection: AsyncConnection) -> None:
            told = {
                "standing": standing,
                "reason": None if reason is None else reason.model_dump(),
                "decided_at": time.time(),
                "decided_by": person.name,
            }
            await connection.execute(update(providers).where(providers.c.name == name).values(told))

        return await self._write(name, work)

    async def _write(self, name: str, work: Any) -> Member:
        async with self._lock:
            await self._database.write(work)
            self._known = None
        return (await self.every())[name]


_OPEN: Final = frozenset({Standing.ASKED, Standing.REFUSED})
"""Who registered it may say it again, better."""


def _group(name: str) -> str:
    return f"sampan:provider:{name}"


async def _all(connection: AsyncConnection) -> list[Member]:
    found = await connection.execute(select(providers).order_by(providers.c.name))
    return [Member.read(row) for row in found.mappings()]
