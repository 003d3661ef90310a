"""A scheduler's forecast: few questions, no waiting, and never believed against what was seen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sampan.errors import Refused
from sampan.need import Need
from sampan_hub import hints as module
from sampan_hub.hints import Hints
from sampan_hub.placement import Offer
from sampan_hub.steps.placing import advise, decide
from sampan_hub.waits import History, Wait
from tests.sampan_hub.scripted_centre import Bench, bench
from tests.sampan_hub.scripted_site import ACCOUNT

NEED = Need(cores=4)


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Bench]:
    """Both centres full; their schedulers plan ahead."""
    async with bench(tmp_path, "east", "west") as made:
        made.plans("east", "west")
        for site in made.sites.values():
            site.cores_free = 0
        await made.tick()
        yield made
        await made.services.hints.close()


def queue(*centres: str) -> list[Offer]:
    return [Offer(name, {}, "main", "queue", (), 2) for name in centres]


def asked(bench: Bench) -> int:
    return sum(site.asked.count("expected_start") for site in bench.sites.values())


def said(bench: Bench, name: str, need: Need = NEED) -> float | None:
    return bench.services.hints.said(bench.services.directory.centres[name], "main", need)


async def test_the_sooner_forecast_wins_and_is_told(two: Bench) -> None:
    two.sites["east"].expected_start = time.time() + 7200
    two.sites["west"].expected_start = time.time() + 100
    placement = await advise(two.services, NEED, "alice")
    assert [offer.centre for offer in placement.ranked] == ["west", "east"]
    assert "in about 2 min" in placement.ranked[0].reasons[0].say("en")
    assert "约 2 小时后启动" in placement.ranked[1].reasons[0].say("zh")


async def test_nobody_is_asked_while_there_is_room(two: Bench) -> None:
    two.sites["west"].cores_free = 4
    await two.tick()
    assert (await advise(two.services, NEED, "alice")).ranked[0].verdict == "now"
    assert asked(two) == 0


async def test_asked_as_the_person_with_what_would_be_submitted(two: Bench) -> None:
    await two.services.hints.ask(two.services, "alice", NEED, queue("east"))
    [job] = two.sites["east"].would_be
    assert ("expected_start", ACCOUNT) in two.sites["east"].askers
    assert (job.queue, job.cores, job.memory_mib, job.minutes) == ("main", 4, NEED.memory_mib, NEED.minutes)
    assert job.tag == "sampan-test1-hint-0"


async def test_one_question_a_tick_and_one_for_all_who_need_the_same(two: Bench) -> None:
    hints = two.services.hints
    await asyncio.gather(*(hints.ask(two.services, f"p{n}", NEED, queue("east", "west")) for n in range(20)))
    assert asked(two) == 2
    others = [Need(cores=n) for n in (1, 2, 3)]
    await asyncio.gather(*(hints.ask(two.services, "bob", need, queue("east")) for need in others))
    assert asked(two) == 2, "the same tick"
    pinned = Need(cores=4, centre="east", data=("era5",))
    await asyncio.sleep(1.05)
    await hints.ask(two.services, "bob", pinned, queue("east"))
    assert asked(two) == 2, "where it is wanted makes no difference to the scheduler"
    await hints.ask(two.services, "bob", others[0], queue("east"))
    assert asked(two) == 3


async def test_only_the_few_best_that_wait_are_asked(two: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert module._CANDIDATES == 3
    monkeypatch.setattr(module, "_CANDIDATES", 1)
    offers = [Offer("now", {}, "main", "now", (), None), *queue("gone", "west", "east")]
    await two.services.hints.ask(two.services, "alice", NEED, offers)
    assert two.sites["west"].asked.count("expected_start") == 1
    assert asked(two) == 1


async def test_a_scheduler_that_plans_nothing_is_not_asked(tmp_path: Path) -> None:
    async with bench(tmp_path, "east") as plain:
        await plain.services.hints.ask(plain.services, "alice", NEED, queue("east"))
        assert asked(plain) == 0


async def test_no_answer_is_unknown_and_holds_nobody_up(two: Bench) -> None:
    two.sites["east"].hangs.add("expected_start")
    two.sites["west"].trouble["expected_start"] = Refused("scheduler.refused", why="no")
    began = time.monotonic()
    await two.services.hints.ask(two.services, "alice", NEED, queue("east", "west"))
    assert time.monotonic() - began < 2.5
    assert (said(two, "east"), said(two, "west")) == (None, None)
    assert all(offer.verdict == "queue" for offer in decide(two.services, NEED, "alice").ranked)


async def test_an_old_forecast_is_none(two: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BELIEVED", 0.2)
    two.sites["east"].expected_start = time.time() + 100
    await two.services.hints.ask(two.services, "alice", NEED, queue("east"))
    first = said(two, "east")
    assert first is not None
    assert 98 < first <= 100
    await asyncio.sleep(0.25)
    assert said(two, "east") is None
    assert two.services.hints.believed(two.services, NEED) == {}


async def test_a_start_in_the_past_is_now_and_a_centre_s_wrong_clock_is_allowed_for(two: Bench) -> None:
    two.sites["east"].expected_start = time.time() - 50
    await two.services.hints.ask(two.services, "alice", NEED, queue("east"))
    assert said(two, "east") == 0.0
    two.services.hints.clock("west", 600.0)
    two.sites["west"].expected_start = time.time() + 600 + 40
    await two.services.hints.ask(two.services, "alice", NEED, queue("west"))
    corrected = said(two, "west")
    assert corrected is not None
    assert 35 < corrected <= 40
    two.services.hints.clock("west", -3.0)
    assert two.services.hints._fast["west"] == 0.0, "the time that a submission takes is no wrong clock"


async def test_twelve_hours_off_is_not_believed_where_it_was_never_seen(two: Bench) -> None:
    seen = [Wait(20.0 + n, NEED.cores, NEED.minutes, 0.0, ahead=2) for n in range(12)]
    two.services.history = History({("east", "main"): seen})
    two.sites["east"].expected_start = time.time() + 12 * 3600
    await two.services.hints.ask(two.services, "alice", NEED, queue("east"))
    believed = two.services.hints.believed(two.services, NEED)
    assert believed[("east", "main")] == 31.0
    two.services.history, two.services.hints = History(), Hints()
    await two.services.hints.ask(two.services, "alice", NEED, queue("east"))
    assert two.services.hints.believed(two.services, NEED)[("east", "main")] > 11 * 3600


async def test_a_share_that_has_gone_is_forgotten(two: Bench) -> None:
    two.sites["east"].expected_start = time.time() + 100
    await two.services.hints.ask(two.services, "alice", NEED, queue("east"))
    two.remove("east")
    assert two.services.hints.believed(two.services, NEED) == {}
