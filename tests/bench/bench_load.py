"""A crowd: 350 people in five minutes at the embedded default, 200 of them at one centre that is full.

Two cores cannot run 150 Jupyter servers: what starts here is a page (`light_server`), behind a job, launcher, link and door that
are as ever. The hub, its login and its pages are as ever, too. Everything is read afterwards from the broker's rows, so that
measuring asks nothing.
"""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import time
from contextlib import AsyncExitStack, closing, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any, Final

import httpx

from tests.bench.figures import Figure, keep, measured
from tests.bench.light_server import lighten
from tests.faults.measuring import broker_stalls
from tests.ways.person import Person
from tests.ways.whole_hub import WholeHub, came, whole_hub

__all__ = ["crowd", "run"]

PEOPLE: Final = int(os.environ.get("SAMPAN_PEOPLE", "350"))
QUEUED: Final = PEOPLE * 4 // 7
SECONDS: Final = PEOPLE * 300 / 350
FULL: Final = "east"
PARTS: Final = ("hub", "broker", "proxy")


async def run() -> list[Figure]:
    with redirect_stdout(StringIO()):
        async with whole_hub("embedded") as hub:
            _enlarge(hub)
            await came(lambda: _known(hub), 60)
            await asyncio.to_thread(hub.fill, FULL)
            return await crowd(hub)


def _enlarge(hub: WholeHub) -> None:
    """Light servers everywhere; at the two other centres there is room for everybody else."""
    for centre in hub.centres:
        lighten(hub, centre, None if centre == FULL else PEOPLE - QUEUED)


async def _known(hub: WholeHub) -> bool:
    seen = {one["id"]: one["shares"][0]["cores_total"] for one in await hub.ask("GET", "/centres")}
    return all(seen[centre] == PEOPLE - QUEUED for centre in hub.centres if centre != FULL)


async def crowd(hub: WholeHub) -> list[Figure]:
    """Everybody comes at an even pace, logs in and presses Start; who waits stays, who is served stays too."""
    before = await _asked(hub)
    began = time.time()
    answers: list[tuple[int, float]] = []
    async with AsyncExitStack() as stack:
        await asyncio.gather(*(_come(hub, number, stack, answers) for number in range(PEOPLE)))
        await came(lambda: _settled(hub), 300, every=2.0)
        took = time.time() - began
        after = await _asked(hub)
        pages = measured("crowd: the page, Start on it, the next page", "s", [spent for _, spent in answers])
        busiest = max(count - before.get(centre, 0.0) for centre, count in after.items())
        figures = [pages, *_of_rows(_rows(hub)), *await _of_parts(hub, busiest / took)]
        refused = sum(status >= 400 for status, _ in answers)
        keep("load", figures, people=PEOPLE, queued=QUEUED, seconds=took, refused=refused, asked=after)
        return figures


def _of_rows(rows: list[dict[str, Any]]) -> list[Figure]:
    return [
        measured("crowd: Start to ready, where there is room", "s", _spans(rows, "ready", full=False)),
        measured("crowd: Start to a place in the queue", "s", _spans(rows, "queued", full=True)),
        measured("crowd: Start to a job, there", "s", _spans(rows, "submitted", full=True)),
    ]


async def _of_parts(hub: WholeHub, asked: float) -> list[Figure]:
    stalls = hub.log("hub").lower().count("event loop was unresponsive")
    return [
        measured("crowd: longest stall of the broker's loop", "s", [await broker_stalls(hub)]),
        measured("crowd: stalls of the hub's loop over 1 s", "", [stalls]),
        measured("crowd: status questions a second, the most at a centre", "", [asked]),
        *(measured(f"crowd: memory of the {part}", "MB", [_memory(hub.pid(part))]) for part in PARTS),
    ]


async def _come(hub: WholeHub, number: int, stack: AsyncExitStack, answers: list[tuple[int, float]]) -> None:
    await asyncio.sleep(number * SECONDS / PEOPLE)
    person = await stack.enter_async_context(Person(hub, f"p{number:03}"))
    # Spread evenly: of seven, four want the centre that is full.
    where = {"centre": FULL} if number * QUEUED // PEOPLE != (number + 1) * QUEUED // PEOPLE else {}
    where = where or {"centre": ("west", "lake")[number % 2]}
    person.client.timeout = httpx.Timeout(600)
    began = time.monotonic()
    answer = await person.start(cores="1", memory="0.5", hours="1", **where)
    answers.append((answer.status_code, time.monotonic() - began))


async def _settled(hub: WholeHub) -> bool:
    rows = _rows(hub)
    return len(rows) == PEOPLE and all(
        row["ready"] or (row["centre"] == FULL and row["queued"]) for row in rows
    )


def _rows(hub: WholeHub) -> list[dict[str, Any]]:
    ask = (
        "SELECT launches.created_at AS created, attempts.centre AS centre, attempts.submitted_at AS submitted,"
        " attempts.queued_at AS queued, attempts.ready_at AS ready FROM launches JOIN attempts"
        " ON attempts.launch = launches.id WHERE launches.ended_at IS NULL AND attempts.ended_at IS NULL"
    )
    with closing(sqlite3.connect(f"file:{hub.state / 'broker.sqlite'}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(ask)]


def _spans(rows: list[dict[str, Any]], last: str, *, full: bool) -> list[float]:
    wanted = (row for row in rows if (row["centre"] == FULL) is full)
    return [row[last] - row["created"] for row in wanted if row[last] is not None]


async def _asked(hub: WholeHub) -> dict[str, float]:
    """Centre → status questions, as Prometheus is told."""
    port = int(
        (re.search(r'"broker": (\d+)', (hub.state / "ports.json").read_text(encoding="utf-8")) or ["", "0"])[
            1
        ]
    )
    async with httpx.AsyncClient(timeout=20) as client:
        page = (await client.get(f"http://127.0.0.1:{port}/services/sampan/metrics")).text
    found = re.findall(r'^sampan_questions_total\{centre="(\w+)",verb="status"\} (\S+)$', page, re.MULTILINE)
    return {centre: float(count) for centre, count in found}


def _memory(pid: int) -> float:
    """Proportional set size: what is shared is counted once."""
    with suppress(OSError):
        found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        return int(found[1]) / 1000 if found else 0.0
    return 0.0
