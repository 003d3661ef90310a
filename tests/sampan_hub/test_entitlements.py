"""Limits are asked as the person, remembered, never waited for long, and never assumed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sampan.errors import Forbidden, Unavailable
from sampan.need import Need
from sampan_hub import entitlements as module
from sampan_hub.entitlements import Entitlements
from sampan_hub.limits import Limit
from tests.sampan_hub.scripted_centre import Bench, bench
from tests.sampan_hub.scripted_site import ACCOUNT
from tests.waiting import until

NEED = Need(cores=2)


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, "east", "west") as made:
        made.plans("east", "west")
        await made.tick()
        yield made
        await made.services.entitlements.close()


def refused(bench: Bench, name: str, owner: str = "alice") -> bool:
    permit = bench.services.entitlements.permit(bench.services.directory.centres[name], owner)
    return permit is not None and bool(permit.bars(NEED).never)


async def test_asked_once_as_the_person_and_remembered(two: Bench) -> None:
    two.sites["east"].limits[ACCOUNT] = (Limit(cores=1),)
    for _ in range(3):
        await asyncio.gather(*(two.services.entitlements.learn(two.services, "alice") for _ in range(5)))
    assert two.sites["east"].asked.count("limits") == 1
    assert ("limits", ACCOUNT) in two.sites["east"].askers
    assert refused(two, "east")
    assert not refused(two, "west"), "nothing limits the person there"
    assert not refused(two, "east", "bob"), "nobody asked for bob"


async def test_a_scheduler_that_limits_nobody_is_not_asked(tmp_path: Path) -> None:
    async with bench(tmp_path, "east") as plain:
        await plain.services.entitlements.learn(plain.services, "alice")
        assert plain.sites["east"].asked.count("limits") == 0


async def test_what_nobody_says_limits_nobody_and_is_asked_again(
    two: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FORGOTTEN", 0.0)
    two.sites["east"].limits[ACCOUNT] = (Limit(cores=1),)
    two.sites["east"].trouble["limits"] = Unavailable("scheduler.no_answer", cause="sacctmgr: error")
    await two.services.entitlements.learn(two.services, "alice")
    assert not refused(two, "east")
    two.sites["east"].trouble.clear()
    await two.services.entitlements.learn(two.services, "alice")
    assert refused(two, "east")


async def test_a_centre_that_hangs_holds_up_no_decision_and_its_answer_is_not_lost(two: Bench) -> None:
    two.sites["east"].limits[ACCOUNT] = two.sites["west"].limits[ACCOUNT] = (Limit(cores=1),)
    two.sites["east"].hangs.add("limits")
    began = time.monotonic()
    await two.services.entitlements.learn(two.services, "alice")
    assert time.monotonic() - began < 2.0
    assert not refused(two, "east")
    assert refused(two, "west")
    await asyncio.wait_for(two.services.entitlements.close(), 5)


async def test_a_crowd_leaves_places_for_other_questions(two: Bench) -> None:
    two.sites["east"].hangs.add("limits")
    people = [f"p{number}" for number in range(20)]
    learning = [asyncio.create_task(two.services.entitlements.learn(two.services, one)) for one in people]
    await asyncio.sleep(0.2)
    assert two.sites["east"].asked.count("limits") == 2
    began = time.monotonic()
    await two.services.watches["east"].measure()
    assert time.monotonic() - began < 1.5
    await asyncio.gather(*learning)


async def test_a_centre_in_trouble_is_not_asked_on_top(two: Bench) -> None:
    two.sites["east"].trouble["capacity"] = Unavailable("scheduler.no_answer")
    await two.tick()
    await two.services.entitlements.learn(two.services, "alice")
    assert two.sites["east"].asked.count("limits") == 0


async def test_who_has_no_account_is_known_before_the_decision(
    two: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(user: str) -> str:
        raise Forbidden("centre.account", centre="east")

    monkeypatch.setattr(two.services.directory.centres["east"], "account", none)
    await two.services.entitlements.learn(two.services, "alice")
    assert two.services.without_account["east", "alice"].code == "centre.account"


async def test_a_centre_described_anew_is_asked_anew(two: Bench) -> None:
    two.sites["east"].limits[ACCOUNT] = (Limit(cores=1),)
    await two.services.entitlements.learn(two.services, "alice")
    two.plans("east")
    await two.tick()
    assert not refused(two, "east")
    await two.services.entitlements.learn(two.services, "alice")
    assert refused(two, "east")


async def test_old_answers_are_forgotten(two: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 0.1)
    two.sites["east"].limits[ACCOUNT] = (Limit(cores=1),)
    await two.services.entitlements.learn(two.services, "alice")
    assert refused(two, "east")
    await until(lambda: not refused(two, "east"))


async def test_what_a_person_has_there_is_counted(two: Bench) -> None:
    two.sites["east"].limits[ACCOUNT] = two.sites["west"].limits[ACCOUNT] = (Limit(jobs=1),)
    first = await two.launch()
    await two.at(first, "running")
    await two.services.entitlements.learn(two.services, "alice")
    there = (await two.last(first)).centre
    for name in ("east", "west"):
        permit = two.services.entitlements.permit(two.services.directory.centres[name], "alice")
        assert permit is not None
        assert bool(permit.bars(NEED).now) == (name == there)


async def test_an_answer_that_breaks_its_parser_is_none(two: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(account: str) -> object:
        raise ValueError("not a table")

    monkeypatch.setattr(two.services.directory.centres["east"].scheduler, "limits", broken)
    known = Entitlements()
    await known.learn(two.services, "alice")
    assert known.permit(two.services.directory.centres["east"], "alice") is None
