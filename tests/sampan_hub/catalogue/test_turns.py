"""What takes long, or hangs, at a centre keeps the verifier from nothing else, there or elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from sampan.entries import Status
from sampan.errors import Unreachable
from sampan_hub.asks import Ask
from sampan_hub.catalogue import verifier
from sampan_hub.catalogue.verdicts import Facts, Thing
from sampan_hub.centre import Centre
from sampan_hub.database import Database
from tests.sampan_hub.catalogue.a_verifier import Looking


@pytest.fixture
async def looking(tmp_path: Path, place: Path) -> AsyncIterator[Looking]:
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'broker.sqlite'}")
    made = Looking(database, place)
    yield made
    await made.close()
    await database.close()


async def seen(looking: Looking, *names: str) -> list[bool]:
    return [(await looking.entry(name)).verified_at is not None for name in names]


async def test_what_took_too_long_comes_last_the_next_time(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("slow", "quick"):
        await looking.publish(name, "west")
    asked: list[list[str]] = []
    answered = [[Facts(failed="time"), None], [None, Facts(failed="time")], [Facts(there=True), None]]

    async def look(_: Any, wanted: Sequence[tuple[Thing, Any, bool]]) -> list[Facts | None]:
        asked.append([thing.what for thing, _, _ in wanted])
        return answered[len(asked) - 1]

    monkeypatch.setattr(looking.verifier, "look", look)
    for _ in answered:
        await looking.round()
    slow, quick = "{data}/slow.csv", "{data}/quick.csv"
    assert asked == [[slow, quick], [quick, slow], [quick, slow]]
    assert await looking.told("slow") == (Status.PUBLISHED, None)
    assert await seen(looking, "slow", "quick") == [
        False,
        True,
    ]


async def test_a_command_without_an_answer_keeps_nothing_from_the_things_behind_it(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifier, "_AT_ONCE", 1)
    for name in ("stuck", "good"):
        looking.file("west", f"{name}.csv")
        await looking.publish(name, "west")
    west = looking.centres["west"]
    first = True

    async def ask(one: Ask[Any], **more: Any) -> Any:
        nonlocal first
        if first:
            first = False
            raise Unreachable("centre.timeout", centre="west")
        return await Centre.ask(west, one, **more)

    monkeypatch.setattr(west, "ask", ask)
    await looking.round()
    assert await seen(looking, "stuck", "good") == [
        False,
        True,
    ]
    await looking.round()
    assert await seen(looking, "stuck", "good") == [True, True]


async def test_each_centre_is_asked_one_thing_at_a_time_and_holds_up_no_other(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, centre in (("far", "west"), ("near", "east")):
        looking.file(centre, f"{name}.csv")
        await looking.publish(name, centre)
    west = looking.centres["west"]
    under_way, begun, may = 0, asyncio.Event(), asyncio.Event()

    async def ask(one: Ask[Any], **more: Any) -> Any:
        nonlocal under_way
        under_way += 1
        begun.set()
        await may.wait()
        assert under_way == 1
        told = await Centre.ask(west, one, **more)
        under_way -= 1
        return told

    monkeypatch.setattr(west, "ask", ask)
    far = await looking.entry("far")
    thing = Thing("{data}/far.csv", "west", far.document["replicas"][0])
    async with asyncio.timeout(90), asyncio.TaskGroup() as group:
        group.create_task(looking.round())
        await begun.wait()
        harvest = group.create_task(looking.verifier.look(west, [(thing, None, False)]))
        await looking.verifier.check([await looking.entry("near")], looking.clock)
        assert await seen(looking, "near") == [True]
        may.set()
        assert [facts and facts.opened for facts in await harvest] == [True]
