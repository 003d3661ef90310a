"""What was seen of entries at their centres, written down beside them; no revision comes of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sampan.entries import Status
from sampan.messages import Message
from sampan_hub.catalogue import rows
from sampan_hub.catalogue.rows import Kept
from sampan_hub.catalogue.shelf import Shelf
from sampan_hub.catalogue.verdicts import BY, Check, Conclusion
from sampan_hub.database import Database
from sampan_hub.tables import checks, entries, pictures

__all__ = ["Findings"]

_LOOKED_AT: Final = (Status.PUBLISHED, Status.DEPRECATED, Status.QUARANTINED)


class Findings:
    """The checks of each entry, its preview, and what follows from them for how it stands."""

    def __init__(self, database: Database, shelf: Shelf) -> None:
        self._database = database
        self._shelf = shelf

    async def page(self, after: int, limit: int) -> tuple[Kept, ...]:
        """Entries that are looked at on the timetable, by their numbers."""
        some = select(entries).where(entries.c.number > after, entries.c.status.in_(_LOOKED_AT))
        return await self._shelf.read(some.order_by(entries.c.number).limit(limit))

    async def checks(self, numbers: Sequence[int]) -> dict[int, list[Check]]:
        """Entry → what was last seen of each of its things."""
        query = select(checks).where(checks.c.entry.in_(numbers)).order_by(checks.c.what, checks.c.centre)
        found: dict[int, list[Check]] = {number: [] for number in numbers}

        async def work(connection: AsyncConnection) -> None:
            for row in (await connection.execute(query)).mappings():
                found[row["entry"]].append(_check(row))

        await self._database.read(work)
        return found

    async def write(
        self, kept: Kept, seen: Sequence[Check], found: Any = None, png: bytes | None = None
    ) -> None:
        """Each in the place of what was seen of it before. `found`: what the data turned out to be.

        Of an entry that says something else by now, nothing was seen.
        """
        mine = {"entry": kept.number}

        async def work(connection: AsyncConnection) -> None:
            if not await _stands(connection, kept):
                return
            for one in seen:
                same = (
                    checks.c.entry == kept.number,
                    checks.c.what == one.what,
                    checks.c.centre == one.centre,
                )
                await connection.execute(delete(checks).where(*same))
                await connection.execute(insert(checks).values(**mine, **_row(one)))
            if found is not None:
                now = update(entries).where(entries.c.number == kept.number)
                await connection.execute(now.values(found=found))
            if png is not None:
                await connection.execute(delete(pictures).where(pictures.c.entry == kept.number))
                await connection.execute(insert(pictures).values(**mine, at=time.time(), png=png))

        await self._database.write(work)

    async def conclude(self, kept: Kept, follows: Conclusion) -> None:
        """Writes down since when it is known to be sound, and moves it where that follows.

        An entry that says something else, or stands differently, by now is left as it is.
        """

        async def work(connection: AsyncConnection) -> bool:
            if not await _stands(connection, kept):
                return False
            mine = update(entries).where(entries.c.number == kept.number)
            await connection.execute(mine.values(verified_at=follows.verified_at))
            if follows.status is not None:
                ref = (kept.provider, kept.name, kept.version)
                await rows.move(connection, ref, follows.status, follows.reason, BY)
            return True

        if follows.status is not None:
            await self._shelf.change(work)
        elif await self._database.write(work) and (follows.verified_at is None) != (kept.verified_at is None):
            await self._shelf.again(kept)

    async def picture(self, number: int) -> bytes | None:
        """Its preview, as PNG."""
        query = select(pictures.c.png).where(pictures.c.entry == number)

        async def work(connection: AsyncConnection) -> bytes | None:
            png: bytes | None = (await connection.execute(query)).scalar_one_or_none()
            return png

        return await self._database.read(work)


async def _stands(connection: AsyncConnection, kept: Kept) -> bool:
    """Whether it is still the revision that was looked at."""
    query = select(entries.c.revision).where(entries.c.number == kept.number).with_for_update()
    return bool((await connection.execute(query)).scalar_one() == kept.revision)


def _row(one: Check) -> dict[str, Any]:
    told = {"what": one.what, "centre": one.centre, "at": one.at, "sound": one.sound}
    reason = None if one.reason is None else one.reason.to_json()
    return {**told, "reason": reason, "how": list(one.how), "seen": one.seen and list(one.seen)}


def _check(row: RowMapping) -> Check:
    reason = None if row["reason"] is None else Message.from_json(row["reason"])
    seen = None if row["seen"] is None else (int(row["seen"][0]), int(row["seen"][1]))
    told = {name: row[name] for name in ("what", "centre", "at", "sound")}
    return Check(**told, reason=reason, how=tuple(row["how"]), seen=seen)
