"""A second centre for those who wait long: off by default, for long predicted waits, within its budget, where both let it be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sampan.messages import Message
from sampan.need import Need
from sampan_hub.jobs import JobState
from sampan_hub.records import Attempt, Launch
from sampan_hub.waits import History, Wait
from tests.sampan_hub.scripted_centre import Bench, bench
from tests.sampan_hub.two_attempts import hedged, live, settle, sides


async def waiting(
    bench: Bench, *names: str, on: bool = True, seconds: float | None = 1000.0, need: Need | None = None
) -> list[Launch]:
    """Both centres full, with waits behind them that took so long; those launches wait since a while."""
    bench.services.settings = replace(bench.services.settings, hedge=on)
    for site in bench.sites.values():
        site.cores_free, site.first_state = 0, JobState.QUEUED
    await bench.tick()
    launches = [await bench.launch(name=name, need=need or Need(cores=4)) for name in names]
    for launch in launches:
        attempt = await bench.at(launch, "queued")
        await bench.store.update_attempt(launch.id, attempt.number, queued_at=bench.services.now() - 10)
        if seconds is not None:
            waits = [Wait(seconds, 4, 60, bench.services.now(), ahead=1)] * 9
            bench.services.history = History({(name, attempt.share): waits for name in bench.sites})
    return launches


async def looked_at(bench: Bench, launches: list[Launch]) -> list[tuple[Attempt, ...]]:
    for launch in launches:
        await bench.step(launch)
    return [await bench.store.attempts(launch.id) for launch in launches]


def hedges(seen: list[tuple[Attempt, ...]]) -> int:
    return sum(one.rival for attempts in seen for one in attempts)


async def test_off_by_default(two: Bench) -> None:
    launches = await waiting(two, "a", "b", on=False)
    assert hedges(await looked_at(two, launches)) == 0


async def test_a_long_wait_is_shared_by_two_centres_and_the_first_to_run_wins(two: Bench) -> None:
    first, _ = await waiting(two, "a", "b")
    [attempts] = await looked_at(two, [first])
    waits, beside = attempts
    assert (beside.rival, beside.centre != waits.centre) == (True, True)
    told = await two.row(first)
    assert (told.stage, told.message.code) == ("queued", "launch.hedged")
    two.sites[beside.centre].first_state = JobState.RUNNING
    for _ in range(8):
        await two.step(first)
        await two.tick()
    old, new = await two.store.attempts(first.id)
    assert (old.seen, old.stage, new.rival) == ("ended", "ended", False)
    assert two.sites[waits.centre].jobs[old.job or ""].state is JobState.ENDED


@pytest.mark.parametrize("seconds", [None, 200.0])
async def test_a_short_wait_and_one_that_nobody_predicts_are_not(two: Bench, seconds: float | None) -> None:
    launches = await waiting(two, "a", "b", seconds=seconds)
    assert hedges(await looked_at(two, launches)) == 0


async def test_the_scheduler_s_own_plan_is_a_prediction(two: Bench) -> None:
    [first, _] = await waiting(two, "a", "b", seconds=None)
    attempt = await two.last(first)
    two.sites[attempt.centre].jobs[attempt.job or ""].expected_start = two.services.now() + 900
    await two.tick()
    assert hedges(await looked_at(two, [first])) == 1


@pytest.mark.parametrize("which", ["first", "second"])
async def test_a_centre_may_forbid_it(two: Bench, which: str) -> None:
    [first, _] = await waiting(two, "a", "b")
    here = (await two.last(first)).centre
    there = next(name for name in two.sites if name != here)
    two.describe(here if which == "first" else there, hedged=False)
    await two.step(first)
    await two.tick()
    assert hedges(await looked_at(two, [first])) == 0


async def test_who_asked_for_one_centre_waits_there_alone(two: Bench) -> None:
    launches = await waiting(two, "a", "b", need=Need(cores=4, centre="east"))
    assert hedges(await looked_at(two, launches)) == 0


async def test_once_a_launch(two: Bench) -> None:
    [first, *_] = await waiting(two, *"abcdefgh")
    await looked_at(two, [first])
    await two.at(first, "queued", number=2)
    beside = await two.last(first)
    two.sites[beside.centre].jobs[beside.job or ""].state = JobState.ENDED
    for _ in range(4):
        await two.tick()
        await two.step(first)
    attempts = await two.store.attempts(first.id)
    assert [one.live for one in attempts] == [True, False]


async def test_no_more_than_half_a_submission_more_a_launch(two: Bench) -> None:
    launches = await waiting(two, *"abcdefgh")
    for _ in range(3):
        two.services.hedge_after = 0.0
        for launch in launches:
            await two.step(launch)
        await two.tick()
    submitted = [one for launch in launches for one in await two.store.attempts(launch.id)]
    assert sum(one.submit_began_at is not None for one in submitted) == len(launches) * 3 // 2
    assert two.services.hedge_after > two.services.now(), "and it is not looked into at each look"


# --- two centres asked


async def test_the_first_to_run_wins_and_the_other_is_confirmed_cancelled(two: Bench) -> None:
    launch = await hedged(two)
    await settle(two, launch)
    held, _ = await sides(two, launch)
    assert held is not None
    assert (held.centre, held.stage) == ("west", "running")
    assert live(two, launch) == [held.tag]
    old = (await two.store.attempts(launch.id))[0]
    assert old.cause is not None
    assert (old.cause.code, old.seen) == ("ended.outrun", "ended")
    assert two.sites["east"].cancelled == [old.job]


async def test_the_holder_that_runs_first_keeps_its_place(two: Bench) -> None:
    launch = await hedged(two)
    two.sites["west"].first_state = JobState.QUEUED
    await two.at(launch, "queued", number=2)
    two.sites["east"].jobs["1"].state = JobState.RUNNING
    await two.tick()
    await settle(two, launch)
    held, _ = await sides(two, launch)
    assert held is not None
    assert (held.number, held.centre) == (1, "east")
    assert live(two, launch) == [held.tag]
    assert "launch.rival_dropped" in await two.codes(launch)


async def test_the_holder_that_fails_leaves_its_place_to_the_rival(two: Bench) -> None:
    launch = await hedged(two)
    two.sites["west"].first_state = JobState.QUEUED
    await two.at(launch, "queued", number=2)
    job = two.sites["east"].jobs["1"]
    job.state, job.why = JobState.ENDED, Message("ended.failed", {"code": 1})
    await two.tick()
    await settle(two, launch)
    held, _ = await sides(two, launch)
    assert held is not None
    assert (held.number, held.stage) == (2, "queued")
    assert len(await two.store.attempts(launch.id)) == 2, "nobody else is asked while that one waits"


async def test_nothing_is_said_of_a_rival_at_each_look(two: Bench) -> None:
    launch = await hedged(two)
    two.sites["west"].first_state = JobState.QUEUED
    await two.at(launch, "queued", number=2)
    told = len(await two.codes(launch))
    for _ in range(4):
        await two.step(launch)
        await two.tick()
    assert len(await two.codes(launch)) == told


async def test_a_berth_at_a_third_centre_is_taken_and_both_places_given_back(tmp_path: Path) -> None:
    async with bench(tmp_path, "east", "west", "lake") as three:
        [launch, _] = await waiting(three, "a", "b")
        await looked_at(three, [launch])
        beside = await three.at(launch, "queued", number=2)
        waits = (await three.store.attempts(launch.id))[0]
        third = ({"east", "west", "lake"} - {beside.centre, waits.centre}).pop()
        three.sites[third].cores_free, three.sites[third].first_state = 4, JobState.RUNNING
        three.sites[third].jobs.clear()
        await three.tick()
        attempt = await three.at(launch, "running", number=3)
        assert attempt.centre == third
        assert live(three, launch) == [attempt.tag]
        assert "launch.succeeded" not in await three.codes(launch)
