"""Watching a centre: one question of each kind a tick, and what an answer, or none, means."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sampan.errors import Unavailable, Unreachable
from sampan.need import Need
from sampan.stages import Seen
from sampan_hub import watch as module
from sampan_hub.jobs import JobState
from sampan_hub.offers import freshen, offers
from sampan_hub.watch import Watch
from tests.sampan_hub.scripted_centre import Bench, ScriptedJob, bench
from tests.waiting import until


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, "east") as made:
        yield made


async def test_one_question_of_each_kind_a_tick_for_everybody(
    one: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty wait at one centre, all in a hurry: at most one question about jobs a tick, and one about nodes, and no other."""
    monkeypatch.setattr(module, "BUSY_TICK", 0.2)
    site = one.sites["east"]
    site.first_state, site.tells_waiting = JobState.QUEUED, True
    one.put("east", one.services.directory.centres["east"].descriptor)
    launches = [await one.launch(f"user{number}") for number in range(50)]
    for launch in launches:
        await one.at(launch, "queued")
    watch, centre = one.services.watches["east"], one.services.directory.centres["east"]
    before = centre.asked.copy()
    ticks = 0

    def told(news: bool) -> None:
        nonlocal ticks
        ticks += 1

    watch._told = told
    running = asyncio.create_task(watch.run())
    try:
        # Everybody is in a hurry all the time: a burst of hurries makes one question, not one each.
        began = time.monotonic()
        while time.monotonic() - began < 1.0:
            for launch in launches:
                await one.step(launch)
                watch.hurry()
                # A step that finds nothing new asks nobody, and would let nobody else go on.
                await asyncio.sleep(0)
            await freshen(one.services)
    finally:
        running.cancel()
    assert ticks <= (time.monotonic() - began) / (0.2 / 4) + 2
    assert centre.asked["status"] - before["status"] <= ticks + 1
    assert centre.asked["capacity"] - before["capacity"] <= ticks + 1
    assert ticks >= 2
    assert set(centre.asked - before) == {"status", "capacity"}


async def test_the_first_look_waits_until_a_job_may_have_started_and_the_next_does_not(one: Bench) -> None:
    """One question in each second from the submission on, the first of them late in it."""
    watch, site = one.services.watches["east"], one.sites["east"]
    watch.centre.scheduler.settles = 0.8
    looks: list[float] = []
    watch._told = lambda _: looks.append(time.monotonic())
    site.jobs["1"] = ScriptedJob("1", "sampan-test1-abcd2345-1", "hpc7", JobState.QUEUED)
    running = asyncio.create_task(watch.run())
    try:
        # The tick with which it began is over.
        await asyncio.sleep(module.BUSY_TICK + 0.1)
        began = time.monotonic()
        watch.follow("1", "hpc7", busy=True)
        await until(lambda: len(looks) >= 4)
    finally:
        running.cancel()
    first, second, third = (at - began for at in looks[1:4])
    assert first >= 0.8
    assert second >= 1.0
    assert third >= 2.0
    assert second - first < 0.8, "not a whole tick after the first"


async def test_measuring_at_once_is_one_question(one: Bench) -> None:
    watch, centre = one.services.watches["east"], one.services.directory.centres["east"]
    before = centre.asked["capacity"]
    await asyncio.gather(*(watch.measure() for _ in range(20)))
    assert centre.asked["capacity"] == before + 1


async def test_nobody_followed_nothing_asked_but_what_waits(one: Bench) -> None:
    watch, centre = one.services.watches["east"], one.services.directory.centres["east"]
    for _ in range(3):
        await watch.look()
    assert centre.asked["status"] == 1, "what waits is told with the capacity: that was to be found out"
    one.sites["east"].tells_waiting = True
    one.put("east", centre.descriptor)
    watch, centre = one.services.watches["east"], one.services.directory.centres["east"]
    for _ in range(3):
        await watch.look()
    assert centre.asked["status"] == 3


async def test_what_waits_is_part_of_the_capacity_wherever_it_is_told(one: Bench) -> None:
    for tells_waiting in (False, True):
        site = one.sites["east"]
        site.tells_waiting = tells_waiting
        site.jobs = {"7": ScriptedJob("7", "somebody", "else", JobState.QUEUED)}
        one.put("east", one.services.directory.centres["east"].descriptor)
        watch = one.services.watches["east"]
        await watch.tick()
        capacity = watch.fresh()
        assert capacity is not None
        assert capacity.reading.pending == {"main": 1}
        assert watch.survey is not None
        assert watch.survey.now(Need(cores=1)) is None, "who waits is served first"
        site.jobs.clear()
        await watch.tick()
        assert watch.survey.now(Need(cores=1)) is not None


async def test_free_nodes_are_not_believed_while_nobody_says_what_waits_for_them(one: Bench) -> None:
    site = one.sites["east"]
    site.tells_waiting = True
    one.put("east", one.services.directory.centres["east"].descriptor)
    watch = one.services.watches["east"]
    await watch.tick()
    assert watch.fresh() is not None
    site.trouble["status"] = Unavailable("scheduler.no_answer")
    await watch.tick()
    assert watch.fresh() is None
    site.trouble.clear()
    await watch.tick()
    assert watch.fresh() is not None


async def test_a_capacity_is_as_old_as_its_older_half(one: Bench) -> None:
    one.sites["east"].tells_waiting = True
    one.put("east", one.services.directory.centres["east"].descriptor)
    watch = one.services.watches["east"]
    await watch.tick()
    between = time.time()
    await watch.measure()
    assert watch.capacity is not None
    assert watch.capacity.measured_at < between, "a promise made since is not in what was said to wait"
    await watch.look()
    await watch.measure()
    assert watch.capacity.measured_at > between


async def test_stale_is_unknown_and_never_free(one: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = one.services.watches["east"]
    assert watch.fresh() is not None
    monkeypatch.setattr(module, "BELIEVED", 0.05)
    await watch.measure()
    await until(lambda: watch.fresh() is None)
    assert watch.fresh() is None
    assert offers(one.services, "alice")[0].capacity is None


async def test_a_jump_of_the_wall_clock_changes_nothing(one: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = one.services.watches["east"]
    real = time.time
    for jump in (-600.0, 600.0):
        monkeypatch.setattr(time, "time", lambda jump=jump: real() + jump)
        await watch.measure()
        assert watch.fresh() is not None
        assert (offers(one.services, "alice")[0].age or 0) >= 0


async def test_a_question_in_vain_is_remembered_with_its_time_and_heals(one: Bench) -> None:
    watch, site = one.services.watches["east"], one.sites["east"]
    assert (watch.seen, watch.trouble) == (Seen.ALIVE, None)
    site.trouble["capacity"] = Unreachable("centre.unreachable", centre="east")
    await watch.measure()
    since = watch.trouble_since
    assert (watch.seen, watch.fresh()) == (Seen.UNREACHABLE, None)
    site.trouble["capacity"] = Unavailable("scheduler.no_answer")
    await watch.measure()
    assert (watch.seen, watch.trouble_since) == (Seen.UNKNOWN, since)
    site.trouble.clear()
    await watch.measure()
    assert (watch.seen, watch.trouble, watch.trouble_since) == (Seen.ALIVE, None, None)
    assert watch.fresh() is not None


async def test_an_answer_that_breaks_its_parser_is_none(one: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, centre = one.services.watches["east"], one.services.directory.centres["east"]

    def broken(done: object) -> None:
        raise KeyError("nodes")

    from sampan_hub.asks import Ask

    monkeypatch.setattr(centre.scheduler, "capacity", lambda: Ask("capacity", ("true",), broken))
    await watch.measure()
    assert watch.seen is Seen.UNKNOWN
    assert watch.trouble is not None
    assert watch.trouble.code == "centre.no_answer"


async def test_a_request_asks_again_and_a_troubled_centre_is_not_waited_for(one: Bench) -> None:
    watch, site = one.services.watches["east"], one.sites["east"]
    watch._believed_until = 0.0
    await freshen(one.services)
    assert watch.fresh() is not None
    site.hangs.add("capacity")
    await watch.measure(0.1)
    began = time.monotonic()
    for _ in range(3):
        await freshen(one.services)
    assert time.monotonic() - began < 1.5
    site.hangs.clear()
    watch._asked_capacity = 0.0
    watch._measuring = None
    await freshen(one.services)
    assert watch.fresh() is not None, "back as soon as it answers"


async def test_news_is_told_once(one: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_TICK", 0.05)
    heard: list[bool] = []
    site = one.sites["east"]
    launch = await one.launch()
    await one.at(launch, "running")
    watch = one.services.watches["east"]
    watch._told = heard.append
    running = asyncio.create_task(watch.run())
    try:
        await until(lambda: len(heard) >= 3)
        assert heard[1:] == [False] * (len(heard) - 1)
        site.trouble["status"] = Unavailable("scheduler.no_answer")
        watch.hurry()
        await until(lambda: True in heard[3:])
        heard.clear()
        await until(lambda: len(heard) >= 2)
        assert heard[-1] is False
    finally:
        running.cancel()


async def test_nothing_that_a_centre_does_ends_the_watch(one: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_TICK", 0.02)
    ticks: list[bool] = []
    watch = Watch(one.services.directory.centres["east"], ticks.append)

    async def mad() -> None:
        raise RuntimeError("not of this world")

    monkeypatch.setattr(watch, "look", mad)
    running = asyncio.create_task(watch.run())
    await until(lambda: len(ticks) > 2)
    running.cancel()
