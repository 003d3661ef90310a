"""Two live attempts of one launch: who wins, who is ended, what is said, and what a kill at any moment leaves behind."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.errors import Conflict, Refused, Unreachable
from sampan.messages import Message
from sampan.stages import Seen, Stage, Target
from sampan_hub.jobs import JobState
from sampan_hub.people import Person
from sampan_hub.steps.rivals import move_on
from sampan_hub.views import launch_view
from tests.sampan_hub.scripted_centre import Bench
from tests.sampan_hub.two_attempts import Scene, hedged, live, moving, settle, sides

# --- moving on


async def test_the_old_session_serves_until_the_new_one_is_reached(one: Bench) -> None:
    launch = await moving(one)
    for _ in range(6):
        await one.step(launch)
        await one.tick()
        row = await one.row(launch)
        assert (row.stage, row.message.code) == ("ready", "launch.moving")
    held, beside = await sides(one, launch)
    assert held is not None
    assert beside is not None
    assert (held.number, held.stage, beside.stage) == (1, "ready", "running")
    assert len(live(one, launch)) == 2
    shown = launch_view(
        one.services, await one.row(launch), await one.store.attempts(launch.id), Person("alice")
    )
    assert shown["job"] == held.job
    assert shown["may_move_on"] is False
    assert [attempt["rival"] for attempt in shown["attempts"]] == [False, True]
    await settle(one, launch)
    held, beside = await sides(one, launch)
    assert held is not None
    assert (held.number, held.rival, beside) == (2, False, None)
    assert live(one, launch) == [held.tag]
    row = await one.row(launch)
    assert (row.need.minutes, row.stage, row.target) == (120, "reachable", "ready")
    old = (await one.store.attempts(launch.id))[0]
    assert old.cause is not None
    assert (old.cause.code, old.seen) == ("ended.moved_on", "ended")
    codes = await one.codes(launch)
    assert codes[-3:] == ["launch.moving", "launch.giving_way", "launch.moving_over"]


async def test_its_end_is_confirmed_before_the_new_one_is_given_anything(one: Bench) -> None:
    launch = await moving(one)
    one.sites["east"].kills = False
    for _ in range(12):
        await one.step(launch)
        await one.tick()
        _, beside = await sides(one, launch)
        if beside is not None and beside.stage is Stage.RUNNING:
            await one.store.update_attempt(launch.id, 2, stage=Stage.REACHABLE)
    held, beside = await sides(one, launch)
    assert held is not None
    assert held.cancel_requested_at is not None
    assert beside is not None
    assert beside.rival
    one.sites["east"].jobs[held.job or ""].state = JobState.ENDED
    await settle(one, launch)
    assert (await sides(one, launch))[0] != held


async def test_it_waits_for_the_identity_while_the_session_serves(one: Bench) -> None:
    launch = await moving(one)
    one.services.identities.clear()
    await one.at(launch, "running", number=2)
    await one.store.update_attempt(launch.id, 2, stage=Stage.REACHABLE, stage_at=one.services.now())
    for _ in range(3):
        await one.step(launch)
    assert (await one.row(launch)).stage is Stage.READY
    shown = launch_view(
        one.services, await one.row(launch), await one.store.attempts(launch.id), Person("alice")
    )
    assert shown["needs_identity"] is True
    await one.store.update_attempt(launch.id, 2, stage_at=one.services.now() - 700)
    one.services.started_at -= 1000
    await settle(one, launch)
    assert [one.tag for one in (await sides(one, launch)) if one] == live(one, launch)
    assert (await one.codes(launch))[-1] == "launch.rival_failed"


@pytest.mark.parametrize("how", ["fails", "queue_limit", "refused"])
async def test_where_the_new_one_fails_the_session_is_untouched_and_its_person_told(
    one: Bench, how: str
) -> None:
    launch = await moving(one)
    if how == "refused":
        one.sites["east"].trouble["submit"] = Refused("scheduler.refused", why="no")
    elif how == "queue_limit":
        one.sites["east"].first_state = JobState.QUEUED
        await one.at(launch, "queued", number=2)
        one.describe("east", queue_minutes=1)
        await one.tick()
        await one.store.update_attempt(launch.id, 2, queued_at=one.services.now() - 61)
    else:
        attempt = await one.at(launch, "running", number=2)
        job = one.sites["east"].jobs[attempt.job or ""]
        job.state, job.why = JobState.ENDED, Message("ended.node")
        await one.tick()
    await settle(one, launch)
    row = await one.row(launch)
    assert (row.stage, row.need.minutes, row.message.code) == ("ready", 60, "launch.rival_failed")
    held, _ = await sides(one, launch)
    assert held is not None
    assert (held.number, held.stage, held.cancel_requested_at) == (1, "ready", None)
    assert live(one, launch) == [held.tag]


async def test_a_session_whose_time_is_up_first_is_followed_by_the_one_that_waits(one: Bench) -> None:
    launch = await moving(one)
    one.sites["east"].first_state = JobState.QUEUED
    await one.at(launch, "queued", number=2)
    old = one.sites["east"].jobs["1"]
    old.state, old.why = JobState.ENDED, Message("ended.time")
    await one.tick()
    await settle(one, launch)
    row = await one.row(launch)
    assert (row.stage, row.target, row.need.minutes) == ("queued", "ready", 120)
    assert (await one.codes(launch))[-1] == "launch.succeeded"


async def test_a_session_that_its_person_shuts_down_is_followed_by_none(one: Bench) -> None:
    launch = await moving(one)
    await one.at(launch, "running", number=2)
    old = one.sites["east"].jobs["1"]
    old.state, old.why = JobState.ENDED, Message("ended.finished")
    await one.tick()
    await one.over(launch)
    assert live(one, launch) == []


async def test_a_new_one_that_dies_while_the_old_one_gives_way_is_begun_anew(two: Bench) -> None:
    launch = await moving(two)
    attempt = await two.at(launch, "running", number=2)
    await two.store.update_attempt(launch.id, 2, stage=Stage.REACHABLE)
    site = two.sites[attempt.centre]
    site.kills = False
    await two.step(launch)
    await two.step(launch)
    for number in ("2", "1"):
        site.jobs[number].state, site.jobs[number].why = JobState.ENDED, Message("ended.node")
        await two.tick()
        await two.step(launch)
        await two.step(launch)
    row = await two.row(launch)
    assert (row.ended_at, row.need.minutes) == (None, 120)
    assert (await two.at(launch, "running", number=3)).centre != attempt.centre


async def test_asked_for_twice_is_once_and_never_without_a_session(one: Bench) -> None:
    launch = await one.launch()
    with pytest.raises(Conflict) as early:
        await move_on(one.services, launch, 60)
    assert early.value.code == "launch.not_ready"
    await one.put_ready(launch)
    for _ in range(2):
        await move_on(one.services, await one.row(launch), 60)
    assert len(await one.store.attempts(launch.id)) == 2


async def test_what_the_centre_does_not_take_is_refused_in_words(one: Bench) -> None:
    launch = await one.launch()
    await one.put_ready(launch)
    with pytest.raises(Refused) as caught:
        await move_on(one.services, await one.row(launch), 60 * 24 * 20)
    assert caught.value.code == "launch.cannot_move"
    assert "hours" in caught.value.message.say("en")
    one.sites["east"].trouble["*"] = Unreachable("centre.unreachable", centre="east")
    await one.tick()
    with pytest.raises(Refused):
        await move_on(one.services, await one.row(launch), 60)
    assert len(await one.store.attempts(launch.id)) == 1


async def test_when_it_ends_is_told_with_the_time_of_the_attempt_of_the_day(one: Bench) -> None:
    launch = await moving(one)
    began = (await one.last(launch)).running_at
    first = (await one.store.attempts(launch.id))[0].running_at
    assert began is None
    assert first is not None

    async def ends_at() -> float | None:
        attempts = await one.store.attempts(launch.id)
        found: float | None = launch_view(one.services, await one.row(launch), attempts, Person("a"))[
            "ends_at"
        ]
        return found

    assert await ends_at() == pytest.approx(first + 3600)
    await settle(one, launch)
    second = (await one.last(launch)).running_at
    assert second is not None
    assert await ends_at() == pytest.approx(second + 7200)


# --- stopping, and the database's own rule


@pytest.mark.parametrize("scene", [moving, hedged])
@pytest.mark.parametrize("stage", ["placed", "running"])
async def test_a_stop_ends_both_each_confirmed(two: Bench, scene: Scene, stage: str) -> None:
    launch = await scene(two, "")
    two.sites["west"].first_state = JobState.QUEUED
    if stage == "running":
        await two.at(launch, "running" if scene is moving else "queued", number=2)
    for site in two.sites.values():
        site.kills = False
    await two.store.update_launch(launch.id, target=Target.STOPPED)
    for _ in range(4):
        await two.step(launch)
        await two.tick()
    row = await two.row(launch)
    assert row.ended_at is None
    assert (await two.codes(launch)).count("launch.stopping") == 1, "said once for both"
    for site in two.sites.values():
        for job in site.live:
            job.state = JobState.ENDED
    ended = await two.over(launch)
    assert ended.cause == Message("ended.stopped")
    assert live(two, launch) == []


async def test_a_launch_with_a_live_job_cannot_be_ended(two: Bench) -> None:
    launch = await hedged(two)
    fields: dict[str, Any] = {"ended_at": two.services.now(), "stage": Stage.ENDED}
    with pytest.raises(Conflict):
        await two.store.step(
            launch.id,
            message=Message("launch.stopped"),
            stage=Stage.ENDED,
            seen=Seen.ENDED,
            launch_fields=fields,
        )
    with pytest.raises(Conflict):
        await two.store.add_attempt(
            launch.id,
            centre="west",
            share="main",
            account="hpc7",
            hub_id="test1",
            message=Message("launch.accepted"),
            progress=1,
            rival=True,
        )
