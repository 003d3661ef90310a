"""What a fault has cost: counted from the broker's own rows and from what the centres' schedulers say."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from tests.sampan_hub.scripted_centre import Bench
from tests.ways.whole_hub import WholeHub

__all__ = ["Losses", "Row", "counted", "counted_at_sites", "losses", "rows_of"]

ORPHANED_AFTER: Final = 60.0
"""Seconds within which nothing may live any more that nobody wants."""


@dataclass(frozen=True, slots=True)
class Row:
    """A live attempt of the broker's."""

    owner: str
    launch: str
    tag: str


@dataclass(frozen=True, slots=True)
class Losses:
    """What nobody may lose, and nobody may find."""

    launches: int = 0
    """That were wanted and are not live any more."""
    orphans: int = 0
    """Jobs of ours, and their Dask workers, that no live attempt wants."""
    duplicates: int = 0
    """Jobs beyond the first under one tag."""

    def __bool__(self) -> bool:
        return bool(self.launches or self.orphans or self.duplicates)


def losses(wanted: Collection[str], rows: Iterable[Row], tags: Iterable[str]) -> Losses:
    """`wanted`: launches that must live; `tags`: one for each live job of ours, by its scheduler's word."""
    live = list(rows)
    known = {row.tag for row in live}
    jobs = Counter(tags)
    return Losses(
        len(set(wanted) - {row.launch for row in live}),
        sum(number for tag, number in jobs.items() if tag.partition("-dask-")[0] not in known),
        sum(number - 1 for tag, number in jobs.items() if tag in known),
    )


async def counted(hub: WholeHub, before: Iterable[Mapping[str, Any]] = ()) -> Losses:
    """`before`: launches, as the broker showed them, that must still be there. Orphans have a minute to go."""
    wanted = [launch["id"] for launch in before]

    async def now() -> Losses:
        return await asyncio.to_thread(lambda: losses(wanted, rows_of(hub), _tags(hub)))

    found = await now()
    try:
        async with asyncio.timeout(ORPHANED_AFTER):
            while found.orphans or found.duplicates:
                await asyncio.sleep(0.5)
                found = await now()
    except TimeoutError:
        pass
    return found


def rows_of(hub: WholeHub) -> list[Row]:
    """Read beside the broker, which may be dead. A launch without an attempt has a row without a tag."""
    ask = (
        "SELECT launches.owner, launches.id, coalesce(attempts.tag, '') FROM launches LEFT JOIN attempts"
        " ON attempts.launch = launches.id AND attempts.ended_at IS NULL WHERE launches.ended_at IS NULL"
    )
    with closing(sqlite3.connect(f"file:{hub.state / 'broker.sqlite'}?mode=ro", uri=True)) as database:
        return [Row(*row) for row in database.execute(ask)]


def _tags(hub: WholeHub) -> list[str]:
    return [job["tag"] for centre in hub.centres for job in hub.live_jobs(centre)]


async def counted_at_sites(bench: Bench, *wanted: str) -> Losses:
    """The same where the centres are scripted, and as things stand: time is what the test makes of it there."""
    rows = [
        Row(launch.owner, launch.id, attempt.tag)
        for launch in await bench.store.launches(None, live_only=True)
        for attempt in await bench.store.attempts(launch.id)
        if attempt.ended_at is None
    ]
    ours = f"sampan-{bench.services.settings.hub_id}-"
    tags = [job.tag for site in bench.sites.values() for job in site.live if job.tag.startswith(ours)]
    return losses(wanted, rows, tags)
