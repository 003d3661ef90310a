"""What a scheduler says, and what follows: only a positive answer ends anything."""

from __future__ import annotations

import pytest

from sampan.errors import Unavailable, Unreachable
from sampan.messages import Message
from sampan_hub.jobs import JobState
from tests.sampan_hub.scripted_centre import Bench


@pytest.mark.parametrize(
    ("state", "stage"),
    [
        (JobState.QUEUED, "queued"),
        (JobState.SUSPENDED, "queued"),
        (JobState.RUNNING, "running"),
        (JobState.UNKNOWN, "submitted"),
    ],
)
async def test_a_job_before_its_start(one: Bench, state: JobState, stage: str) -> None:
    one.sites["east"].first_state = state
    launch = await one.launch()
    for _ in range(4):
        await one.step(launch)
        await one.tick()
    assert (await one.last(launch)).stage == stage
    assert (await one.row(launch)).ended_at is None


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.SUSPENDED, JobState.RUNNING, JobState.UNKNOWN])
async def test_nothing_but_an_end_ends_a_ready_launch(one: Bench, state: JobState) -> None:
    launch = await one.launch()
    attempt = await one.put_ready(launch)
    one.sites["east"].jobs[attempt.job or ""].state = state
    for _ in range(6):
        await one.tick()
        await one.step(launch)
    assert (await one.row(launch)).ended_at is None
    assert one.sites["east"].cancelled == []


async def test_an_unknown_state_is_said_and_heals(one: Bench) -> None:
    launch = await one.launch()
    attempt = await one.put_ready(launch)
    job = one.sites["east"].jobs[attempt.job or ""]
    for state, seen, code in (
        (JobState.UNKNOWN, "unknown", "launch.unknown"),
        (JobState.RUNNING, "alive", "launch.ready"),
    ):
        job.state = state
        for _ in range(2):
            await one.tick()
            await one.step(launch)
        assert (await one.last(launch)).seen == seen
        assert (await one.row(launch)).message.code == code


async def test_a_running_job_that_is_suspended_waits_again(one: Bench) -> None:
    launch = await one.launch()
    attempt = await one.at(launch, "running")
    one.sites["east"].jobs[attempt.job or ""].state = JobState.SUSPENDED
    assert (await one.at(launch, "queued")).stage == "queued"
    one.sites["east"].jobs[attempt.job or ""].state = JobState.RUNNING
    assert (await one.at(launch, "running")).running_at != attempt.running_at


async def test_an_end_after_ready_ends_the_launch_with_its_cause(one: Bench) -> None:
    launch = await one.launch()
    attempt = await one.put_ready(launch)
    job = one.sites["east"].jobs[attempt.job or ""]
    job.state, job.why = JobState.ENDED, Message("ended.memory")
    ended = await one.over(launch)
    assert ended.cause == Message("ended.memory")
    assert (await one.store.transitions(launch.id))[-1].final == "ended"


async def test_absent_three_times_in_a_row_is_lost_and_not_before(one: Bench) -> None:
    launch = await one.launch()
    attempt = await one.put_ready(launch)
    site, job = one.sites["east"], attempt.job or ""
    await one.step(launch)
    site.forgotten.add(job)
    for _ in range(2):
        await one.tick()
        await one.step(launch)
    site.forgotten.clear()
    await one.tick()
    await one.step(launch)
    assert (await one.row(launch)).ended_at is None, "it was told of again: the count begins anew"
    site.forgotten.add(job)
    await one.tick()
    site.trouble["status"] = Unavailable("scheduler.no_answer")
    for _ in range(5):
        await one.tick()
        await one.step(launch)
    assert (await one.row(launch)).ended_at is None, "no answer is not an absence"
    site.trouble.clear()
    ended = await one.over(launch)
    assert ended.cause == Message("ended.lost")


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (Unreachable("centre.unreachable", centre="east"), "unreachable"),
        (Unavailable("scheduler.no_answer"), "unknown"),
    ],
)
async def test_a_centre_without_answers_keeps_everything_says_since_when_and_heals(
    one: Bench, error: Unavailable, seen: str
) -> None:
    launch = await one.launch()
    await one.put_ready(launch)
    await one.tick()
    await one.step(launch)
    one.sites["east"].trouble["*"] = error
    for _ in range(6):
        await one.tick()
        await one.step(launch)
    away = await one.row(launch)
    assert away.ended_at is None
    assert away.message.code == f"launch.{seen}"
    assert "UTC" in away.message.say("en")
    assert (await one.codes(launch)).count(f"launch.{seen}") == 1, "said once, not at each look"
    assert one.sites["east"].cancelled == []
    one.sites["east"].trouble.clear()
    for _ in range(2):
        await one.tick()
        await one.step(launch)
    assert (await one.row(launch)).message.code == "launch.ready"
    assert (await one.last(launch)).seen == "alive"


async def test_free_nodes_are_no_word_about_jobs(one: Bench) -> None:
    """The capacity is answered, the question about jobs is not: that is one trouble, not news at every tick."""
    launch = await one.launch()
    await one.put_ready(launch)
    one.sites["east"].trouble["status"] = Unavailable("scheduler.no_answer")
    for _ in range(5):
        await one.tick()
        await one.step(launch)
    codes = await one.codes(launch)
    assert codes.count("launch.unknown") == 1
    assert codes[-1] == "launch.unknown"


async def test_nothing_is_said_before_the_first_answer(one: Bench) -> None:
    """A broker that has just begun has asked nobody yet: that is no news of anybody's session."""
    launch = await one.launch()
    await one.put_ready(launch)
    one.put("east", one.remove("east"))
    before = await one.codes(launch)
    await one.step(launch)
    await one.tick()
    await one.step(launch)
    assert await one.codes(launch) == before


async def test_a_centre_that_is_described_no_more_ends_nothing_and_heals(one: Bench) -> None:
    launch = await one.launch()
    attempt = await one.put_ready(launch)
    facts = one.remove("east")
    for _ in range(3):
        assert await one.step(launch) is not None
    assert (await one.row(launch)).ended_at is None
    one.put("east", facts)
    await one.step(launch)
    await one.tick()
    one.sites["east"].jobs[attempt.job or ""].state = JobState.ENDED
    one.sites["east"].jobs[attempt.job or ""].why = Message("ended.finished")
    assert (await one.over(launch)).cause == Message("ended.finished")


async def test_a_place_in_the_queue_is_said_when_it_changes(one: Bench) -> None:
    one.sites["east"].first_state = JobState.QUEUED
    launch = await one.launch()
    attempt = await one.at(launch, "queued")
    job = one.sites["east"].jobs[attempt.job or ""]
    for ahead in (3, 3, 1):
        job.ahead = ahead
        await one.tick()
        await one.step(launch)
    places = [
        step.message.params["place"]
        for step in await one.store.transitions(launch.id)
        if step.message.code == "launch.queued_wait"
    ]
    assert places == [1, 4, 2]


async def test_a_place_that_is_not_told_is_not_made_up(one: Bench) -> None:
    one.sites["east"].first_state = JobState.QUEUED
    launch = await one.launch()
    attempt = await one.at(launch, "queued")
    one.sites["east"].jobs[attempt.job or ""].ahead = None
    await one.tick()
    await one.step(launch)
    assert (await one.row(launch)).message.code == "launch.queued_unseen"
    assert (await one.last(launch)).place is None


async def test_one_that_is_held_back_says_why_and_waits(one: Bench) -> None:
    one.sites["east"].first_state = JobState.QUEUED
    launch = await one.launch()
    attempt = await one.at(launch, "queued")
    job = one.sites["east"].jobs[attempt.job or ""]
    job.why, job.ahead = Message("batch.held_operator"), None
    for _ in range(3):
        await one.tick()
        await one.step(launch)
    said = (await one.row(launch)).message
    assert (said.code, said.params["why"]) == ("launch.held_up", Message("batch.held_operator"))
    assert (await one.codes(launch)).count("launch.held_up") == 1
    job.why, job.ahead = None, 2
    await one.tick()
    await one.step(launch)
    assert (await one.row(launch)).message.code == "launch.queued_wait"
    assert one.sites["east"].cancelled == []


async def test_what_will_never_start_is_given_up_for_the_next_centre(two: Bench) -> None:
    for site in two.sites.values():
        site.first_state = JobState.QUEUED
    launch = await two.launch()
    first = await two.at(launch, "queued")
    job = two.sites[first.centre].jobs[first.job or ""]
    job.why, job.never = Message("batch.budget"), True
    second = await two.at(launch, "queued", number=2)
    assert second.centre != first.centre
    attempts = await two.store.attempts(launch.id)
    assert attempts[0].cause == Message("batch.budget")
    assert two.sites[first.centre].cancelled == [first.job]


async def test_a_session_that_is_paused_says_so_once_and_that_it_goes_on(one: Bench) -> None:
    launch = await one.launch()
    attempt = await one.put_ready(launch)
    job = one.sites["east"].jobs[attempt.job or ""]
    for state, code in ((JobState.SUSPENDED, "launch.paused"), (JobState.RUNNING, "launch.ready")):
        job.state = state
        for _ in range(3):
            await one.tick()
            await one.step(launch)
        assert (await one.row(launch)).message.code == code
    assert (await one.codes(launch)).count("launch.paused") == 1
    assert (await one.last(launch)).stage == "ready"
