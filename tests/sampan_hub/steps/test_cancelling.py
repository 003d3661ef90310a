"""Stopping: whatever the launch was doing, its job is confirmed gone, and the stop wins."""

from __future__ import annotations

import pytest

from sampan.errors import Unreachable
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


async def test_a_centre_that_is_away_holds_nobody_up_and_the_sweep_ends_the_job(one: Bench) -> None:
    from sampan_hub.sweep import sweep

    launch = await one.launch()
    attempt = await one.put_ready(launch)
    site = one.sites["east"]
    site.trouble["*"] = Unreachable("centre.unreachable", centre="east")
    await one.store.update_launch(launch.id, target=Target.STOPPED)
    await one.step(launch)
    await one.step(launch)
    assert (await one.row(launch)).ended_at is None
    began = (await one.last(launch)).cancel_requested_at
    assert began is not None
    await one.store.update_attempt(launch.id, 1, cancel_requested_at=began - 20)
    await one.step(launch)
    assert (await one.row(launch)).ended_at is not None
    assert (await one.last(launch)).seen == "unreachable"
    site.trouble.clear()
    assert len(site.live) == 1
    assert await sweep(one.services, "east") == 1
    assert site.live == []
    assert site.cancelled == [attempt.job]


async def test_a_scheduler_that_takes_the_cancel_and_says_nothing_more(one: Bench) -> None:
    launch = await one.launch()
    await one.put_ready(launch)
    one.sites["east"].trouble["status"] = Unreachable("centre.unreachable", centre="east")
    await one.store.update_launch(launch.id, target=Target.STOPPED)
    await one.tick()
    await one.step(launch)
    await one.store.update_attempt(launch.id, 1, cancel_requested_at=one.services.now() - 20)
    await one.step(launch)
    assert (await one.row(launch)).ended_at is not None


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
