"""What a person reads while a launch waits, and what is remembered of the wait."""

from __future__ import annotations

import time

import pytest

from sampan.need import Need
from sampan_hub.jobs import JobState
from sampan_hub.records import Launch
from sampan_hub.steps.placing import decide
from sampan_hub.steps.waiting import with_starts
from sampan_hub.waits import History, Wait
from tests.sampan_hub.scripted_centre import Bench

NEED = Need(cores=4)


def before(*seconds: float, ahead: int | None = 0) -> list[Wait]:
    return [Wait(one, NEED.cores, NEED.minutes, 0.0, ahead=ahead) for one in seconds]


async def queued(bench: Bench) -> Launch:
    for site in bench.sites.values():
        site.cores_free, site.first_state = 0, JobState.QUEUED
    await bench.tick()
    launch = await bench.launch(need=NEED)
    await bench.at(launch, "queued")
    return launch


async def said(bench: Bench, launch: Launch) -> str:
    return (await bench.row(launch)).message.say("en").removeprefix("Waiting for a berth at East Harbour")


async def test_a_wait_of_which_nothing_is_known_says_so(one: Bench) -> None:
    launch = await queued(one)
    told = await said(one, launch)
    assert told.endswith("place 1 in the queue. How long a start takes here is not known yet.")


@pytest.mark.parametrize(
    ("past", "words"),
    [
        (before(40.0, 200.0, 90.0), "So far 3 starts here took 30 s to 4 min."),
        (before(*(60.0 * n for n in range(1, 20))), "Usually another 1–20 min from here."),
    ],
)
async def test_what_is_usual_is_said_once(one: Bench, past: list[Wait], words: str) -> None:
    one.services.history = History({("east", "main"): past})
    launch = await queued(one)
    assert (await said(one, launch)).endswith(words)
    steps = len(await one.codes(launch))
    for _ in range(4):
        await one.tick()
        await one.step(launch)
    assert len(await one.codes(launch)) == steps, "not at each look"
    [job] = one.sites["east"].live
    job.ahead = 3
    await one.tick()
    await one.step(launch)
    assert "place 4" in await said(one, launch)


async def test_what_the_scheduler_plans_is_said_as_its_plan_while_nothing_was_seen(one: Bench) -> None:
    one.plans("east")
    one.sites["east"].expected_start = time.time() + 3600
    launch = await queued(one)
    words = " By its own plan in about 1 h; how good its plans are is not known yet."
    assert (await said(one, launch)).endswith(words)
    await one.store.update_attempt(launch.id, 1, submitted_at=time.time() - 7200)
    [job] = one.sites["east"].live
    job.ahead = 1
    await one.tick()
    await one.step(launch)
    assert (await said(one, launch)).endswith("not known yet."), "that time has passed"
    assert "plan" not in await said(one, launch)


async def test_the_plan_for_this_very_job_is_said_once_it_is_made(one: Bench) -> None:
    """Slurm plans some while after it has taken the job; by a clock that is an hour fast."""
    launch = await queued(one)
    one.services.hints.clock("east", 3600.0)
    [job] = one.sites["east"].live
    job.expected_start = time.time() + 3600 + 1800
    for _ in range(3):
        await one.tick()
        await one.step(launch)
    assert (await said(one, launch)).endswith(
        "By its own plan in about 30 min; how good its plans are is not known yet."
    )
    told = [step.message.say("en") for step in await one.store.transitions(launch.id)]
    assert sum("plan" in words for words in told) == 1
    one.services.history = History({("east", "main"): before(*(60.0 * n for n in range(1, 20)))})
    job.ahead = 2
    await one.tick()
    await one.step(launch)
    assert (await said(one, launch)).endswith("Usually another 1–20 min from here."), (
        "what was seen counts more"
    )


async def test_a_wait_that_is_longer_than_usual_says_so_once(one: Bench) -> None:
    one.services.history = History({("east", "main"): before(*(float(n) for n in range(1, 20)))})
    launch = await queued(one)
    await one.store.update_attempt(launch.id, 1, submitted_at=time.time() - 120)
    for _ in range(3):
        await one.step(launch)
    assert (await said(one, launch)).endswith("That is longer than usual here.")
    told = [step.message.say("en") for step in await one.store.transitions(launch.id)]
    assert sum("longer than usual" in words for words in told) == 1


async def test_a_start_is_remembered_with_its_conditions(one: Bench) -> None:
    launch = await queued(one)
    attempt = await one.last(launch)
    job = one.sites["east"].jobs[attempt.job or ""]
    # By the centre's own clock, which is an hour fast: what lies between is right all the same.
    job.submitted_at, job.started_at = time.time() + 3600, time.time() + 3690
    job.state = JobState.RUNNING
    await one.at(launch, "running")
    [wait] = one.services.history.of("east", "main")
    assert wait.seconds == pytest.approx(90, abs=0.1)
    assert (wait.cores, wait.minutes, wait.ahead, wait.started) == (4, NEED.minutes, 0, True)
    assert await one.store.recent_waits(0.0) == {("east", "main"): [wait]}
    assert one.services.hints._fast["east"] == pytest.approx(3600, abs=5)


async def test_a_reply_that_was_late_says_nothing_of_the_clock(one: Bench) -> None:
    """The submission was asked for ten minutes before we heard of its job, which was made soon after that."""
    launch = await queued(one)
    now = time.time()
    await one.store.update_attempt(launch.id, 1, submit_began_at=now - 600, submitted_at=now)
    job = one.sites["east"].jobs[(await one.last(launch)).job or ""]
    job.submitted_at, job.started_at, job.state = now - 590, now, JobState.RUNNING
    await one.at(launch, "running")
    assert one.services.hints._fast["east"] == 0


async def test_a_start_with_room_is_no_wait(one: Bench) -> None:
    launch = await one.launch(need=NEED)
    await one.at(launch, "running")
    [wait] = one.services.history.of("east", "main")
    assert (wait.ahead, wait.started) == (None, True)
    assert 0 <= wait.seconds < 5
    assert one.services.history.usual == {}


async def test_who_stops_while_waiting_would_have_waited_longer(one: Bench) -> None:
    launch = await queued(one)
    await one.store.update_attempt(launch.id, 1, submitted_at=time.time() - 100)
    await one.store.update_launch(launch.id, target="stopped")
    await one.over(launch)
    [wait] = one.services.history.of("east", "main")
    assert (wait.started, wait.ahead) == (False, 0)
    assert wait.seconds == pytest.approx(100, abs=5)


async def test_a_job_that_is_suspended_and_goes_on_is_no_second_wait(one: Bench) -> None:
    launch = await one.launch(need=NEED)
    attempt = await one.at(launch, "running")
    job = one.sites["east"].jobs[attempt.job or ""]
    job.state = JobState.SUSPENDED
    await one.tick()
    await one.at(launch, "queued")
    job.state = JobState.RUNNING
    await one.tick()
    await one.at(launch, "running")
    assert len(one.services.history.of("east", "main")) == 1


async def test_offers_tell_how_long_starts_took(two: Bench) -> None:
    two.sites["west"].cores_free = 0
    await two.tick()
    past = {("east", "main"): before(*[1.0] * 9, ahead=None), ("west", "main"): before(90.0)}
    two.services.history = History(past)
    placed = with_starts(two.services, decide(two.services, NEED, "alice")).to_json()
    now, wait = placed["ranked"]
    assert (now["centre"], now["verdict"]) == ("east", "now")
    assert now["start"]["words"]["en"] == "Usually starts within 1 s."
    assert (wait["centre"], wait["verdict"]) == ("west", "queue")
    assert wait["start"]["words"]["en"] == "The only start here so far took 1–2 min."
