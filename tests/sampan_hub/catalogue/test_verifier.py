"""What is dead shows as dead within one cycle, and says why; what nobody could see stays as it was."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from sampan.entries import Status
from sampan.messages import Message
from sampan_hub.catalogue.findings import Findings
from sampan_hub.catalogue.index import Seeker
from sampan_hub.catalogue.shelf import Shelf
from sampan_hub.catalogue.verdicts import BY, Check, Conclusion
from sampan_hub.catalogue.verifier import Verifier
from sampan_hub.database import Database
from sampan_hub.tables import entries
from tests.sampan_hub.catalogue.a_verifier import CSV, Looking
from tests.sampan_hub.catalogue.products import product

SOUND = f"sha256:{hashlib.sha256(CSV.encode()).hexdigest()}"
GOOD, BAD = Status.PUBLISHED, Status.QUARANTINED


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'broker.sqlite'}")
    yield opened
    await opened.close()


@pytest.fixture
async def looking(database: Database, place: Path) -> AsyncIterator[Looking]:
    made = Looking(database, place)
    yield made
    await made.close()


async def test_what_was_seen_is_kept_in_either_database(url: str, tmp_path: Path) -> None:
    database = await Database.open(url)
    shelf = Shelf(database, tmp_path / "catalogue")
    findings = Findings(database, shelf)
    (kept,) = await shelf.put([product()], "olga")
    why = Message("check.gone", {"what": "{data}/a", "centre": "西"})
    seen = Check("{data}/a", "west", 5.0, False, why, ("there",), (3, 1 << 60))
    for one in (seen, replace(seen, at=6.0), replace(seen, centre="east")):
        await findings.write(kept, [one], {"dims": {}}, b"png")
    told = await findings.checks([kept.number, 99])
    assert told == {kept.number: [replace(seen, centre="east"), replace(seen, at=6.0)], 99: []}
    assert await findings.picture(kept.number) == b"png"
    assert await findings.picture(99) is None
    await findings.conclude(kept, Conclusion(7.0))
    assert (await shelf.entry("ocean", "sst", "1.0")).verified_at == 7.0
    # While it was looked at, its provider has said something else.
    await shelf.put([product(title={"zh": "海冰", "en": "Sea ice"})], "olga")
    await shelf.move([("ocean", "sst", "1.0")], GOOD, "olga")
    await findings.write(kept, [replace(seen, centre="north")])
    await findings.conclude(kept, Conclusion(None, BAD, why))
    assert len((await findings.checks([kept.number]))[kept.number]) == 2
    assert (await shelf.entry("ocean", "sst", "1.0")).status is GOOD
    await database.close()


async def say(database: Database, name: str, **changes: Any) -> None:
    """Has the entry's row say what no product may: an older version let it in, or somebody wrote into the database."""

    async def work(connection: Any) -> None:
        mine = entries.c.name == name
        document = (await connection.execute(entries.select().where(mine))).mappings().one()["document"]
        await connection.execute(update(entries).where(mine).values(document={**document, **changes}))

    await database.write(work)


async def test_five_that_are_broken_on_purpose_are_found_named_and_set_aside(
    looking: Looking, database: Database
) -> None:
    copy = {"checksum": SOUND, "bytes": len(CSV)}
    for name in ("good", "changed", "gone", "engine", "licence"):
        looking.file("west", f"{name}.csv")
        await looking.publish(name, "west", copy=copy)
    looking.file("west", "members.csv")
    await looking.publish("members", "west", copy={"group": "nosuchgroup"}, access="group", group="polar")
    looking.file("west", "changed.csv", CSV.replace("2", "3"))
    (looking.place / "west" / "data" / "gone.csv").unlink()
    await say(database, "licence", licence="")
    written = (await looking.entry("engine")).document["replicas"][0]
    await say(database, "engine", replicas=[{**written, "opener": "os.system"}])
    await looking.round()
    told = {
        name: await looking.told(name) for name in ("good", "changed", "gone", "members", "engine", "licence")
    }
    assert told == {
        "good": (GOOD, None),
        "changed": (BAD, "check.checksum"),
        "gone": (BAD, "check.gone"),
        "members": (BAD, "check.group_unknown"),
        "engine": (BAD, "check.opener"),
        "licence": (BAD, "check.licence"),
    }
    page = await looking.shelf.search("海表", Seeker(), {})
    assert [(kept.name, why) for kept, why in page.entries] == [("good", ("title", "verified", "readable"))]
    for name in ("changed", "gone", "members", "engine", "licence"):
        kept = await looking.entry(name)
        assert kept.reason is not None
        assert "{" not in kept.reason.say("en").replace("{data}", "") + kept.reason.say("zh").replace(
            "{data}", ""
        )
        assert (await looking.shelf.history(kept))[-1]["by"] == BY
    assert "Centre west" in str((await looking.entry("gone")).reason.say("en"))  # type: ignore[union-attr]


async def test_what_is_mended_comes_back_and_what_a_person_set_aside_does_not(looking: Looking) -> None:
    await looking.publish("sst", "west")
    await looking.round()
    assert await looking.told("sst") == (BAD, "check.gone")
    looking.file("west", "sst.csv")
    await looking.round()
    assert await looking.told("sst") == (GOOD, None)
    (looking.place / "west" / "data" / "sst.csv").unlink()
    await looking.shelf.move([("ocean", "sst", "1.0")], Status.DEPRECATED, "olga")
    await looking.round()
    looking.file("west", "sst.csv")
    await looking.round()
    assert await looking.told("sst") == (Status.DEPRECATED, None), "as it stood before"
    await looking.shelf.move([("ocean", "sst", "1.0")], BAD, "root")
    await looking.round()
    assert (await looking.told("sst"))[0] is BAD


async def test_a_centre_that_is_away_says_nothing(looking: Looking) -> None:
    looking.file("west", "sst.csv")
    await looking.publish("sst", "west")
    await looking.round()
    seen = (await looking.entry("sst")).verified_at
    looking.silence("west")
    (looking.place / "west" / "data" / "sst.csv").unlink()
    await looking.round()
    kept = await looking.entry("sst")
    assert (kept.status, kept.verified_at) == (GOOD, seen), "it is as old as it is"
    looking.heal("west")
    await looking.round()
    assert await looking.told("sst") == (BAD, "check.gone")


async def test_one_sound_copy_is_enough_and_one_that_nobody_saw_may_be(looking: Looking) -> None:
    looking.file("east", "sst.csv")
    await looking.publish("sst", "east", "west")
    await looking.round()
    kept = await looking.entry("sst")
    assert kept.status is GOOD
    checks = (await looking.verifier.findings.checks([kept.number]))[kept.number]
    assert [(one.centre, one.sound) for one in checks] == [("east", True), ("west", False)]
    looking.silence("east")
    (looking.place / "east" / "data" / "sst.csv").unlink()
    await looking.publish("never-seen", "east", "west")
    await looking.round()
    assert (await looking.told("sst"))[0] is GOOD
    assert await looking.told("never-seen") == (GOOD, None)


async def test_what_was_found_and_a_preview_are_kept_and_fall_with_the_copy(looking: Looking) -> None:
    looking.file("west", "sst.csv", "a,b\n" + "1,2\n3,4\n" * 10)
    await looking.publish("sst", "west")
    await looking.round()
    kept = await looking.entry("sst")
    assert kept.found is not None
    assert (kept.found["dims"], kept.revision) == ({"rows": 20}, 2), "looking is no revision"
    png = await looking.verifier.findings.picture(kept.number)
    assert (png or b"")[:4] == b"\x89PNG"
    await looking.round()
    assert (await looking.entry("sst")).found == kept.found, "the preview is made once"
    await looking.put("sst", "east")
    again = await looking.entry("sst")
    assert (again.found, again.verified_at) == (None, None)
    assert await looking.verifier.findings.picture(kept.number) is None


async def test_it_is_done_on_a_timetable(looking: Looking) -> None:
    looking.file("west", "sst.csv")
    await looking.publish("sst", "west")
    own = Verifier(looking.verifier.findings, looking.verifier._directory, 0.1)
    running = asyncio.create_task(own.run(time.time))
    try:
        async with asyncio.timeout(90):
            while (await looking.entry("sst")).verified_at is None:  # noqa: ASYNC110 (it is in a database)
                await asyncio.sleep(0.05)
            (looking.place / "west" / "data" / "sst.csv").unlink()
            while (await looking.entry("sst")).status is not BAD:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_what_was_seen_lately_is_not_due(looking: Looking) -> None:
    looking.file("west", "sst.csv")
    await looking.publish("sst", "west")
    await looking.round()
    asked = looking.centres["west"].asked["catalogue-look"]
    await looking.verifier.round(looking.clock - 60, lambda: looking.clock)
    assert looking.centres["west"].asked["catalogue-look"] == asked
    await looking.verifier.check([await looking.entry("sst")], looking.clock)
    assert looking.centres["west"].asked["catalogue-look"] == asked + 1


async def test_software_is_of_its_version_and_can_be_imported(looking: Looking) -> None:
    from importlib.metadata import version

    for name, build, wanted in (
        ("good", "numpy", version("numpy")),
        ("old", "numpy", "0.1"),
        ("absent", "no-such-thing", "1"),
    ):
        builds = [{"method": "venv", "name": build, "version": wanted}]
        await looking.publish(name, kind="software", builds=builds)
    await looking.round()
    assert await looking.told("good") == (GOOD, None)
    assert await looking.told("old") == (BAD, "check.version")
    assert await looking.told("absent") == (BAD, "check.gone")
    good = await looking.entry("good")
    for check in (await looking.verifier.findings.checks([good.number]))[good.number]:
        assert check.how == ("there", "version", "import", "kernel", "functional")
