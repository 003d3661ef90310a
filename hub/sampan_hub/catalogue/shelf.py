"""The catalogue: its rows are the truth, and what finds them by words follows the log of their revisions."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shutil
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sampan.entries import Status
from sampan.errors import Missing, SampanError
from sampan.messages import Message
from sampan_hub.catalogue import holdings, rows
from sampan_hub.catalogue.holdings import Holdings
from sampan_hub.catalogue.index import Found, SearchIndex, Seeker
from sampan_hub.catalogue.product import Product
from sampan_hub.catalogue.rows import Kept
from sampan_hub.catalogue.spelling import another_word, same_sound
from sampan_hub.catalogue.texts import texts
from sampan_hub.catalogue.words import VERSION
from sampan_hub.database import Database
from sampan_hub.tables import revisions

__all__ = ["Page", "Shelf"]

log = logging.getLogger(__name__)

T = TypeVar("T")

_PAGE: Final = 2000
_MARK: Final = "mark.json"
_AGAIN: Final = 10.0
"""Seconds after which what failed is tried again."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a search found: the entries in their order, each with its reasons; `instead`: what may have been meant."""

    found: Found
    entries: tuple[tuple[Kept, tuple[str, ...]], ...]
    instead: str | None
    whole: bool
    """Whether all that was published is found; not while what finds it is made anew."""


class Shelf:
    """Entries are written here, and found. `folder` holds what can be made again from the rows."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._index: SearchIndex | None = None
        # One at a time: a revision with a smaller number never comes in after a larger one was followed.
        self._turn = asyncio.Lock()
        self._whole = False

    # --- writing

    async def change(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """What is written in one step, and found after it."""
        async with self._turn:
            done = await self._database.write(work)
            await self._follow()
        return done

    async def put(self, products: Sequence[Product], by: str) -> list[Kept]:
        """Drafts, or new revisions of what is there; all of them or none. Raises `Conflict` for what was withdrawn."""

        async def work(connection: AsyncConnection) -> list[Kept]:
            return [await rows.put(connection, product, by) for product in products]

        return await self.change(work)

    async def move(
        self, refs: Iterable[tuple[str, str, str]], status: Status, by: str, reason: Message | None = None
    ) -> list[Kept]:
        """Raises `Missing`, and `Conflict` where an entry that stands as these do cannot stand so next."""

        async def work(connection: AsyncConnection) -> list[Kept]:
            return [await rows.move(connection, ref, status, reason, by) for ref in refs]

        return await self.change(work)

    async def use(self, kept: Kept, person: str, centre: str | None, replica: str | None) -> None:
        """Writes down that it was opened. The first use changes its rank."""

        async def work(connection: AsyncConnection) -> None:
            await rows.use(connection, kept, person, centre=centre, replica=replica)

        await self._database.write(work)
        if not kept.uses:
            await self.again(kept)

    async def again(self, kept: Kept) -> None:
        """Its rank is made anew: what it follows from is no revision."""
        async with self._turn:
            with contextlib.suppress(OSError, ValueError):  # a rank that is late does no harm
                await self._write(await self.read(rows.some([kept.number])))

    # --- reading

    async def entry(self, provider: str, name: str, version: str) -> Kept:
        found = await self.read(rows.by_ref(provider, name, version))
        if not found:
            raise Missing("entry.unknown", entry=f"{provider}/{name}@{version}")
        return found[0]

    async def versions(self, provider: str, name: str) -> tuple[Kept, ...]:
        return await self.read(rows.versions(provider, name))

    async def holdings(self) -> list[Holdings]:
        """What each provider has of data, by name."""
        return [Holdings.read(row) for row in await self._rows(holdings.holdings())]

    async def history(self, kept: Kept) -> list[Mapping[str, Any]]:
        """Every revision, the first one first."""
        told = select(revisions).where(revisions.c.entry == kept.number).order_by(revisions.c.revision)
        return [dict(row) for row in await self._rows(told)]

    async def search(
        self, text: str, seeker: Seeker, chosen: Mapping[str, Sequence[str]], **more: Any
    ) -> Page:
        """See :meth:`SearchIndex.search`. What was taken away since is left out."""
        index = await self._opened()
        found = await asyncio.to_thread(index.search, text, seeker, chosen, **more)
        kept = {one.number: one for one in await self.read(rows.some([number for number, _ in found.hits]))}
        listed = tuple((kept[number], why) for number, why in found.hits if number in kept)
        instead = None if found.total or chosen else await self._instead(index, text)
        return Page(found, tuple(one for one in listed if one[0].status.shown), instead, self._whole)

    async def _instead(self, index: SearchIndex, text: str) -> str | None:
        """What may have been meant by words that nothing was found for: others that are spelt, or sound, alike."""
        spelt = await asyncio.to_thread(another_word, text, index.known)
        if spelt is None:
            numbers = await asyncio.to_thread(index.sounding, text)
            titles = [title for one in await self.read(rows.some(numbers)) for title in _said(one)]
            spelt = same_sound(text, titles)
        return spelt if spelt and (await asyncio.to_thread(index.search, spelt)).total else None

    # --- what finds by words

    async def keep(self) -> None:
        """Makes what finds by words agree with the rows. It can take minutes where it has to be made anew."""
        while True:
            try:
                async with self._turn:
                    await self._follow()
            except SampanError as error:
                log.warning("the catalogue cannot be read yet: %s", error)
            if self._whole:
                return
            await asyncio.sleep(_AGAIN)

    async def _follow(self) -> None:
        """What was written stays written, also where it cannot be found yet: then the next change, or :meth:`keep`, goes on."""
        try:
            await self._catch_up()
            self._whole = True
        except (OSError, ValueError) as error:
            # The library has ValueError for a full disk, a damaged file, and for a broker before us that still writes.
            log.warning("the catalogue is not found by words as it is: %s", error)
            self._whole, self._index = False, None

    async def _catch_up(self) -> None:
        await self._opened()
        mark = await asyncio.to_thread(self._mark)
        anew = not await self._agrees(mark)
        at = 0 if anew else int(mark["log"])
        while told := await self._rows(rows.since(at, _PAGE)):
            await self._write({row["number"]: Kept.read(row) for row in told}.values(), empty=anew)
            anew, at = False, told[-1]["log"]
            await asyncio.to_thread(self._set_mark, {"words": VERSION, "log": at, "at": told[-1]["at"]})

    async def _agrees(self, mark: Mapping[str, Any]) -> bool:
        """Whether what is in the folder was made by this version from these rows, and not from a database that was here before."""
        if mark.get("words") != VERSION:
            return False
        told = select(revisions.c.at).where(revisions.c.number == mark["log"])
        return [row["at"] for row in await self._rows(told)] == [mark["at"]]

    def _mark(self) -> dict[str, Any]:
        try:
            told = json.loads((self._folder / _MARK).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def _set_mark(self, mark: Mapping[str, Any]) -> None:
        aside = self._folder / f"{_MARK}.new"
        aside.write_text(json.dumps(mark), encoding="utf-8")
        aside.replace(self._folder / _MARK)

    async def _write(self, kept: Collection[Kept], *, empty: bool = False) -> None:
        index = await self._opened()
        some = [one for one in kept if one.status.shown]
        # A first draft was never there.
        gone = [one.number for one in kept if not one.status.shown and one.revision > 1]
        if some or gone or empty:
            await asyncio.to_thread(lambda: index.write(map(texts, some), gone, empty=empty))

    async def _opened(self) -> SearchIndex:
        if self._index is None:
            self._index = await asyncio.to_thread(self._open)
        return self._index

    def _open(self) -> SearchIndex:
        """What cannot be opened is made anew: it is all in the rows."""
        folder = self._folder / f"index-{VERSION}"
        try:
            return SearchIndex(folder)
        except ValueError as error:
            log.warning("the catalogue's index is damaged, and is made anew: %s", error)
            (self._folder / _MARK).unlink(missing_ok=True)
            shutil.rmtree(folder)
            self._whole = False
            return SearchIndex(folder)

    async def _rows(self, query: Select[Any]) -> Sequence[Any]:
        async def work(connection: AsyncConnection) -> Sequence[Any]:
            return list((await connection.execute(query)).mappings())

        return await self._database.read(work)

    async def read(self, query: Select[Any]) -> tuple[Kept, ...]:
        """The entries that a question to the rows finds."""
        return tuple(Kept.read(row) for row in await self._rows(query))


def _said(one: Kept) -> list[str]:
    """What its sounds were made from."""
    told = one.document
    return [*told["title"].values(), *(word for pair in told["keywords"] for word in pair.values())]
