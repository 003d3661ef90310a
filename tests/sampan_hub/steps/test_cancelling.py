"""Stopping: whatever the launch was doing, its job is confirmed gone, and the stop wins."""

from __future__ import annotations

import pytest

from sampan.errors import Unavailable, Unreachable
from sampan.messages import Message
from sampan.stages import Target
from sampan_hub.jobs import JobState
from tests.sampan_hub.scripted_centre import Bench


async def test_before_any_centre_was_chosen(one: Bench) -> None:
    launch = await one.launch()
    await one.store.update_launch(launch.id, target=Target.STOPPED)
    assert await one.step(launch) is None
    assert (await one.row(launch)).cause == Message("ended.stopped")
    assert one.sites["east"].jobs == {}


async def test_placed_and_not_submitted(one: Bench) -> None:
    launch = await one.launch()
    await one.step(launch)
    await one.store.update_launch(launch.id, target=Target.STOPPED)
    ended = await one.over(launch)
    assert ended.cause == Message("ended.stopped")
    assert one.sites["east"].jobs == {}


@pytest.mark.parametrize("stage", ["submitted", "queued", "running", "ready"])
async def test_a_job_is_confirmed_gone(one: Bench, stage: str) -> None:
    site = one.sites["east"]
    site.first_state = JobState.QUEUED if stage == "queued" else JobState.RUNNING
    launch = await one.launch()
    attempt = await (one.put_ready(launch) if stage == "ready" else one.at(launch, stage))
    site.kills = False
    await one.store.update_launch(launch.id, target=Target.STOPPED)
    for _ in range(5):
        await one.step(launch)
        await one.tick()
    row = await one.row(launch)
    assert row.ended_at is None, "asked for is not gone"
    assert row.message.code == "launch.stopping"
    assert site.cancelled == [attempt.job], "asked once, not at each look"
    site.jobs[attempt.job or ""].state = JobState.ENDED
    ended = await one.over(launch)
    assert ended.cause == Message("ended.stopped")
    assert ended.message == Message("launch.stopped")
    assert site.live == []


async def test_a_stop_costs_no_question_of_its_own(one: Bench) -> None:
    """How jobs stand is one question a tick for all of them, those that are being stopped too."""
    launches = [await one.launch(name=f"s{number}") for number in range(4)]
    for launch in launches:
        await one.put_ready(launch)
    one.sites["east"].kills = False
    for launch in launches:
        await one.store.update_launch(launch.id, target=Target.STOPPED)
    before = one.sites["east"].asked.count("status")
    for launch in launches:
        for _ in range(5):
            await one.step(launch)
    assert one.sites["east"].asked.count("status") == before
    await one.tick()
    assert one.sites["east"].asked.count("status") == before + 1


async def test_a_cancel_that_did_not_help_is_asked_for_again(one: Bench) -> None:
    launch = await one.launch()
    attempt = await one.put_ready(launch)
    one.sites["east"].kills = False
    await one.store.update_launch(launch.id, target=Target.STOPPED)
    await one.step(launch)
    one.services.cancels[attempt.tag] -= 6
    one.sites["east"].kills = True
    await one.over(launch)
    assert one.sites["east"].cancelled == [attempt.job, attempt.job]


AWAY = Unreachable("centre.unreachable", centre="east")
MUTE = Unavailable("scheduler.no_answer")


@pytest.mark.parametrize(
    ("trouble", "error", "seen"), [("*", AWAY, "unreachable"), ("status", MUTE, "unknown")]
)
async def test_a_stop_is_over_when_the_centre_says_so_however_long_that_takes(
    one: Bench, trouble: str, error: Unavailable, seen: str
) -> None:
    launch = await one.launch()
    attempt = await one.put_ready(launch)
    site = one.sites["east"]
    site.trouble[trouble] = error
    await one.store.update_launch(launch.id, target=Target.STOPPED)
    for _ in range(4):
        await one.tick()
        await one.step(launch)
    await one.store.update_attempt(launch.id, 1, cancel_requested_at=one.services.now() - 3600)
    for _ in range(4):
        await one.tick()
        await one.step(launch)
    row = await one.row(launch)
    assert row.ended_at is None
    assert row.message.code == "launch.stopping_unconfirmed"
    assert (await one.codes(launch)).count("launch.stopping_unconfirmed") == 1, "said once, not at each look"
    assert (await one.last(launch)).seen == seen
    site.trouble.clear()
    one.services.cancels.clear()
    ended = await one.over(launch)
    assert ended.cause == Message("ended.stopped")
    assert site.cancelled[-1] == attempt.job
    assert site.live == []


async def test_a_silent_centre_is_not_asked_for_the_same_end_at_each_look(one: Bench) -> None:
    launch = await one.launch()
    await one.put_ready(launch)
    site = one.sites["east"]
    site.trouble["cancel"] = AWAY
    await one.store.update_launch(launch.id, target=Target.STOPPED)
    before = len(site.asked)
    for _ in range(8):
        await one.step(launch)
    assert site.asked[before:].count("cancel") == 1


@pytest.mark.parametrize("stops_first", [True, False])
async def test_let_go_ends_the_row_and_the_sweep_ends_the_job(one: Bench, stops_first: bool) -> None:
    from sampan_hub.sweep import sweep

    launch = await one.launch()
    attempt = await one.put_ready(launch)
    site = one.sites["east"]
    site.trouble["*"] = AWAY
    if stops_first:
        await one.store.update_launch(launch.id, target=Target.STOPPED)
    for _ in range(3):
        await one.tick()
        await one.step(launch)
    await one.store.update_launch(launch.id, target=Target.LET_GO)
    assert await one.step(launch) is None
    row = await one.row(launch)
    assert row.cause is not None
    assert row.cause.code == "ended.let_go"
    assert (await one.last(launch)).seen == "unreachable", "nobody said that it has ended"
    assert len(site.live) == 1
    site.trouble.clear()
    assert await sweep(one.services, "east") == 1
    assert site.live == []
    assert site.cancelled[-1] == attempt.job


async def test_let_go_of_one_that_answers_again_is_a_stop_like_any_other(one: Bench) -> None:
    launch = await one.launch()
    await one.put_ready(launch)
    await one.store.update_launch(launch.id, target=Target.LET_GO)
    ended = await one.over(launch)
    assert ended.cause == Message("ended.stopped")
    assert one.sites["east"].live == []


async def test_a_start_does_not_wait_for_the_end_of_a_job_that_was_nobody_s_yet(two: Bench) -> None:
    launch = await two.launch()
    attempt = await two.at(
        launch, "queued" if two.sites["east"].first_state is JobState.QUEUED else "running"
    )
    two.sites[attempt.centre].trouble["*"] = AWAY
    await two.store.update_attempt(
        launch.id, 1, cancel_requested_at=two.services.now() - 20, cause=Message("ended.boot_limit")
    )
    await two.at(launch, "running", number=2)
    assert (await two.row(launch)).ended_at is None


async def test_killed_after_each_line_of_a_stop(one: Bench) -> None:
    """The row says that the end was asked for; whoever comes next, with an empty memory, goes on."""
    launch = await one.launch()
    await one.put_ready(launch)
    one.sites["east"].kills = False
    await one.store.update_launch(launch.id, target=Target.STOPPED)
    await one.step(launch)
    one.services.cancels.clear()
    one.put("east", one.remove("east"))
    one.sites["east"].kills = True
    await one.over(launch)
    assert one.sites["east"].live == []


async def test_a_stop_wins_over_the_next_centre(two: Bench) -> None:
    launch = await two.launch()
    attempt = await two.at(launch, "running")
    site = two.sites[attempt.centre]
    site.jobs["1"].state, site.jobs["1"].why = JobState.ENDED, Message("ended.failed", {"code": 1})
    await two.tick()
    await two.step(launch)
    await two.store.update_launch(launch.id, target=Target.STOPPED)
    ended = await two.over(launch)
    assert ended.cause == Message("ended.stopped")
    assert len(await two.store.attempts(launch.id)) == 1


async def test_only_the_broker_s_own_claim_is_let_go(two: Bench) -> None:
    launch = await two.launch()
    await two.at(launch, "running")
    await two.store.update_launch(launch.id, target=Target.STOPPED)
    await two.over(launch)
    assert list(two.services.in_flight.claims({})) == []
    assert two.services.cancels == {}
    assert two.services.identities == {}
