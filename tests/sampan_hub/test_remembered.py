"""What was read is remembered until it is written to, and never what may be older than that."""

from __future__ import annotations

import asyncio

import pytest

from sampan_hub import remembered as module
from sampan_hub.remembered import Remembered


class Table:
    """One row, which is read slowly."""

    def __init__(self) -> None:
        self.row: str | None = "first"
        self.reads = 0
        self.go = asyncio.Event()
        self.go.set()

    async def read(self) -> str | None:
        self.reads += 1
        found = self.row
        await self.go.wait()
        return found


async def test_it_is_read_once_until_something_is_written() -> None:
    table, known = Table(), Remembered[str | None]()
    assert [await known.find("a", table.read) for _ in range(3)] == ["first"] * 3
    assert table.reads == 1
    table.row = "second"
    known.forget("b")
    assert await known.find("a", table.read) == "first"
    known.forget("a")
    assert await known.find("a", table.read) == "second"
    assert table.reads == 2


async def test_what_was_read_while_somebody_wrote_is_not_remembered() -> None:
    table, known = Table(), Remembered[str | None]()
    table.go.clear()
    reading = asyncio.create_task(known.find("a", table.read))
    await asyncio.sleep(0)
    table.row = "second"
    known.forget("a")
    table.go.set()
    assert await reading == "first"
    assert await known.find("a", table.read) == "second"


async def test_of_two_who_read_at_once_the_later_one_counts() -> None:
    table, known = Table(), Remembered[str | None]()
    table.go.clear()
    early = asyncio.create_task(known.find("a", table.read))
    await asyncio.sleep(0)
    known.forget("a")
    table.row = "second"
    late = asyncio.create_task(known.find("a", table.read))
    await asyncio.sleep(0)
    table.go.set()
    assert [await early, await late, await known.find("a", table.read)] == ["first", "second", "second"]
    assert table.reads == 2


async def test_a_row_that_is_not_there_may_be_there_soon() -> None:
    table, known = Table(), Remembered[str | None]()
    table.row = None
    assert await known.find("a", table.read) is None
    table.row = "new"
    assert await known.find("a", table.read) == "new"


async def test_a_failure_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 2)
    table, known = Table(), Remembered[str | None]()

    async def fail() -> str | None:
        raise OSError("away")

    with pytest.raises(OSError, match="away"):
        await known.find("a", fail)
    for launch in ("a", "b", "c", "a"):
        await known.find(launch, table.read)
    assert table.reads == 4, "two fit: with the third all is read anew"
