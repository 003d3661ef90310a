"""A hundred real starts of Jupyter servers on the federation, eight under way at once: how long each took, and where.

Whoever is served leaves again, so that there is room: what waits here waits for two cores' worth of Python imports.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from contextlib import redirect_stdout
from io import StringIO
from typing import Any, Final

from tests.bench.clicks import click, gone
from tests.bench.figures import Figure, keep, measured
from tests.faults.losses import counted
from tests.faults.measuring import broker_stalls
from tests.federation.federation import Federation
from tests.ways.person import Person
from tests.ways.whole_hub import WholeHub, came, whole_hub

__all__ = ["run"]

STARTS: Final = int(os.environ.get("SAMPAN_STARTS", "100"))
AT_ONCE: Final = 8
PEOPLE: Final = 60


async def run() -> list[Figure]:
    # The hub tells its logs when it ends, for a test that has failed.
    with Federation().in_use(), redirect_stdout(StringIO()):
        async with whole_hub("federation") as hub:
            return await _hundred(hub)


async def _hundred(hub: WholeHub) -> list[Figure]:
    taken: list[float] = []
    where: Counter[str] = Counter()
    turns = asyncio.Semaphore(AT_ONCE)

    async def once(number: int) -> None:
        async with turns, Person(hub, f"p{number % PEOPLE:02}") as person:
            # The same person may come a second time: they wait until their first is gone.
            await came(lambda: gone(person), 120)
            taken.append(await click(person))
            launch: dict[str, Any] = await person.launch()
            where[launch["centre"]] += 1
            await person.stop()
            await person.at("ended", deadline=120)

    await asyncio.gather(*(once(number) for number in range(STARTS)))
    losses = await counted(hub)
    figures = [
        measured(f"{STARTS} real starts, {AT_ONCE} at once: click to page", "s", taken),
        measured("  the longest stall of the broker's loop meanwhile", "s", [await broker_stalls(hub)]),
        measured("  orphans and duplicate jobs afterwards", "", [losses.orphans + losses.duplicates]),
    ]
    keep("hundred", figures, where=dict(where), seconds=sorted(taken))
    return figures
