"""Rows are the truth, and what finds them follows."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text as sql

from sampan.entries import Status
from sampan.errors import Conflict, Missing
from sampan.messages import text
from sampan_hub.catalogue.index import Seeker
from sampan_hub.catalogue.shelf import Shelf
from sampan_hub.database import Database
from tests.sampan_hub.catalogue.products import product

SST = ("ocean", "sst", "1.0")


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = await Database.open(url)
    yield opened
    await opened.close()


@pytest.fixture
def shelf(database: Database, tmp_path: Path) -> Shelf:
    return Shelf(database, tmp_path / "catalogue")


async def published(shelf: Shelf, *names: str) -> None:
    await shelf.put([product(name) for name in names], "olga")
    await shelf.move([("ocean", name, "1.0") for name in names], Status.PUBLISHED, "olga")


async def found(shelf: Shelf, question: str = "海表") -> list[str]:
    page = await shelf.search(question, Seeker(), {})
    return sorted(kept.name for kept, _ in page.entries)


async def test_a_draft_is_found_when_it_is_published_and_not_when_it_is_taken_back(shelf: Shelf) -> None:
    (draft,) = await shelf.put([product()], "olga")
    assert (draft.status, draft.revision, await found(shelf)) == (Status.DRAFT, 1, [])
    await shelf.move([SST], Status.PUBLISHED, "olga")
    assert await found(shelf) == ["sst"]
    why = text({"en": "Its bytes have changed.", "zh": "内容已改变。"})
    (bad,) = await shelf.move([SST], Status.QUARANTINED, "verifier", why)
    assert (bad.reason, await found(shelf)) == (why, [])
    (good,) = await shelf.move([SST], Status.PUBLISHED, "ann")
    assert (good.reason, await found(shelf)) == (None, ["sst"])
    history = await shelf.history(good)
    assert [(row["revision"], row["status"], row["by"]) for row in history] == [
        (1, "draft", "olga"),
        (2, "published", "olga"),
        (3, "quarantined", "verifier"),
        (4, "published", "ann"),
    ]


async def test_a_new_revision_stands_as_the_old_one_stood(shelf: Shelf) -> None:
    await published(shelf, "sst")
    (kept,) = await shelf.put([product(title={"zh": "海冰", "en": "Sea ice"})], "olga")
    assert (kept.status, kept.revision) == (Status.PUBLISHED, 3)
    assert (await found(shelf), await found(shelf, "海冰")) == ([], ["sst"])
    old = (await shelf.history(kept))[0]["document"]
    assert old["title"]["en"] == "Monthly sea surface temperature", "what was said stays"


async def test_what_was_withdrawn_stays_so(shelf: Shelf) -> None:
    await published(shelf, "sst")
    await shelf.move([SST], Status.WITHDRAWN, "olga")
    with pytest.raises(Conflict) as caught:
        await shelf.put([product()], "olga")
    assert caught.value.code == "entry.withdrawn"
    with pytest.raises(Conflict) as caught:
        await shelf.move([SST], Status.PUBLISHED, "olga")
    assert caught.value.code == "entry.status"
    with pytest.raises(Missing):
        await shelf.move([("ocean", "nosuch", "1.0")], Status.PUBLISHED, "olga")


async def test_all_of_several_or_none(shelf: Shelf) -> None:
    await published(shelf, "sst")
    await shelf.move([SST], Status.WITHDRAWN, "olga")
    with pytest.raises(Conflict):
        await shelf.put([product("other"), product("sst")], "olga")
    with pytest.raises(Missing):
        await shelf.entry("ocean", "other", "1.0")


async def test_what_finds_is_made_anew_from_the_rows(
    database: Database, tmp_path: Path, shelf: Shelf
) -> None:
    await published(shelf, "a", "b", "c")
    assert await found(shelf) == ["a", "b", "c"]
    again = Shelf(database, tmp_path / "elsewhere")
    assert (await again.search("海温", Seeker(), {})).whole is False
    await again.keep()
    assert await found(again) == ["a", "b", "c"]
    mark = json.loads((tmp_path / "elsewhere" / "mark.json").read_text())
    assert mark["log"] == 6


async def test_an_index_of_another_database_is_not_believed(database: Database, tmp_path: Path) -> None:
    """A database that was put back from a copy: its log goes on with numbers that the index has seen."""
    shelf = Shelf(database, tmp_path / "catalogue")
    await published(shelf, "a", "b")
    assert shelf._index is not None
    shelf._index.close()

    def back(statement: str) -> object:
        return database.write(lambda connection: connection.execute(sql(statement)))

    await back("DELETE FROM revisions WHERE number = 4")  # type: ignore[misc]
    await back("UPDATE entries SET status = 'withdrawn' WHERE name = 'b'")  # type: ignore[misc]
    await back("UPDATE revisions SET at = at + 1")  # type: ignore[misc]
    again = Shelf(database, tmp_path / "catalogue")
    await again.keep()
    assert await found(again) == ["a"]


async def test_a_restarted_one_follows_from_where_it_was(database: Database, tmp_path: Path) -> None:
    first = Shelf(database, tmp_path / "catalogue")
    await published(first, "a")
    assert first._index is not None
    first._index.close()
    shutil.copytree(tmp_path / "catalogue", tmp_path / "older")
    second = Shelf(database, tmp_path / "catalogue")
    await published(second, "b")
    third = Shelf(database, tmp_path / "older")
    await third.keep()
    assert await found(third) == ["a", "b"]


async def test_ten_at_once(shelf: Shelf) -> None:
    names = [f"n{number}" for number in range(10)]
    await asyncio.gather(*(published(shelf, name) for name in names))
    assert await found(shelf) == names


async def test_use_is_written_down_and_raises_the_rank(shelf: Shelf) -> None:
    await published(shelf, "a", "b")
    kept = await shelf.entry("ocean", "b", "1.0")
    await shelf.use(kept, "alice", "east", "{packages}/x.nc")
    page = await shelf.search("海温", Seeker(), {})
    assert [(kept.name, "used" in why) for kept, why in page.entries] == [("b", True), ("a", False)]
    assert (await shelf.entry("ocean", "b", "1.0")).uses == 1


@pytest.mark.parametrize(
    ("question", "instead"),
    [
        ("temperatrue", "temperature"),
        ("海标温度", "海表温度"),
        ("monthly temperatrue", "monthly temperature"),
        ("qqqq", None),
    ],
)
async def test_did_you_mean(shelf: Shelf, question: str, instead: str | None) -> None:
    await published(shelf, "sst")
    page = await shelf.search(question, Seeker(), {})
    assert (page.found.total, page.instead) == (0, instead)


async def test_versions_are_told_newest_first(shelf: Shelf) -> None:
    for version in ("1.0", "1.1", "2.0"):
        await shelf.put([product(version=version)], "olga")
    assert [kept.version for kept in await shelf.versions("ocean", "sst")] == ["2.0", "1.1", "1.0"]


async def test_a_damaged_index_is_made_anew(database: Database, tmp_path: Path) -> None:
    first = Shelf(database, tmp_path / "catalogue")
    await published(first, "a", "b")
    assert first._index is not None
    first._index.close()
    [meta] = (tmp_path / "catalogue").glob("index-*/meta.json")
    meta.write_text("nonsense")
    again = Shelf(database, tmp_path / "catalogue")
    await again.keep()
    assert await found(again) == ["a", "b"]


async def test_while_another_still_writes_nothing_is_lost(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that is being stopped holds the index for a moment longer than its successor likes."""
    monkeypatch.setattr("sampan_hub.catalogue.shelf._AGAIN", 0.1)
    before = Shelf(database, tmp_path / "catalogue")
    await published(before, "a")
    after = Shelf(database, tmp_path / "catalogue")
    await published(after, "b")
    assert (await after.entry("ocean", "b", "1.0")).status is Status.PUBLISHED
    keeping = asyncio.create_task(after.keep())
    await asyncio.sleep(0.3)
    assert (await after.search("海表", Seeker(), {})).whole is False
    assert before._index is not None
    before._index.close()
    await asyncio.wait_for(keeping, 30)
    assert await found(after) == ["a", "b"]
