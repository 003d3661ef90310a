"""Choosing a centre: claims count, failures count, and nobody is asked twice for nothing."""

from __future__ import annotations

import asyncio
import time

import pytest

from sampan.errors import Forbidden, Refused, Unreachable
from sampan.messages import Message
from sampan.need import Need
from sampan.stages import Target
from sampan_hub.entitlements import Entitlements
from sampan_hub.jobs import JobState
from sampan_hub.limits import Limit
from sampan_hub.steps.placing import decide, refuse_impossible
from tests.sampan_hub.scripted_centre import Bench
from tests.sampan_hub.scripted_site import ACCOUNT


async def test_launches_in_flight_count_before_a_scheduler_shows_them(two: Bench) -> None:
    launches = [await two.launch(name=str(number), need=Need(cores=4)) for number in range(2)]
    for launch in launches:
        await two.step(launch)
    assert {(await two.last(launch)).centre for launch in launches} == {"east", "west"}


async def test_claims_are_decided_one_after_the_other(two: Bench) -> None:
    launches = [await two.launch(name=str(number), need=Need(cores=2)) for number in range(4)]
    await asyncio.gather(*(two.step(launch) for launch in launches))
    centres = [(await two.last(launch)).centre for launch in launches]
    assert sorted(centres) == ["east", "east", "west", "west"]


async def test_all_centres_tried_ends_with_the_last_cause(two: Bench) -> None:
    launch = await two.launch()
    codes = iter((7, 8))
    tried = []
    for _ in range(2):
        attempt = await two.at(launch, "running")
        tried.append(attempt.centre)
        job = two.sites[attempt.centre].jobs[attempt.job or ""]
        job.state, job.why = JobState.ENDED, Message("ended.failed", {"code": next(codes)})
        await two.tick()
        await two.step(launch)
    ended = await two.over(launch)
    assert sorted(tried) == ["east", "west"]
    assert ended.cause == Message("ended.failed", {"code": 8})
    assert ended.message == Message("launch.failed", {"why": Message("ended.failed", {"code": 8})})
    assert "launch.next" in await two.codes(launch)
    progress = [step.progress for step in await two.store.transitions(launch.id)]
    assert progress == sorted(progress)


async def test_a_centre_that_gave_no_answer_comes_after_the_others(two: Bench) -> None:
    launch = await two.launch()
    await two.step(launch)
    first = await two.last(launch)
    two.sites[first.centre].trouble["mkdir"] = Unreachable("link.cut")
    two.services.started_at -= 60
    await two.store.update_attempt(launch.id, 1, created_at=two.services.now() - 60)
    await two.step(launch)
    await two.step(launch)
    second = await two.last(launch)
    assert second.centre != first.centre
    two.sites[second.centre].trouble["submit"] = Refused("scheduler.refused", why="no")
    two.sites[first.centre].trouble.clear()
    third = await two.at(launch, "running")
    assert (third.number, third.centre) == (3, first.centre)


async def test_nobody_knows_where_there_is_room(two: Bench) -> None:
    for name in two.sites:
        two.sites[name].trouble["*"] = Unreachable("link.cut")
    await two.tick()
    launch = await two.launch()
    for _ in range(3):
        assert await two.step(launch) == 3.0
    assert (await two.codes(launch)).count("launch.waiting") == 1
    two.sites["west"].trouble.clear()
    await two.tick()
    assert (await two.at(launch, "running")).centre == "west"


async def test_without_an_account_the_reason_is_named(two: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(user: str) -> str:
        raise Forbidden("centre.account", centre=name)

    for name in ("east", "west"):
        monkeypatch.setattr(two.services.directory.centres[name], "account", none)
    launch = await two.launch()
    ended = await two.over(launch)
    assert ended.cause is not None
    assert ended.cause.code == "place.nowhere"
    assert "You have no account" in ended.message.say("en")
    assert list(two.services.in_flight.claims({})) == []
    with pytest.raises(Refused, match="You have no account"):
        await refuse_impossible(two.services, Need(), "alice")
    assert decide(two.services, Need(), "bob").ranked
    two.services.forget_missing_accounts("east")
    assert [offer.centre for offer in decide(two.services, Need(), "alice").ranked] == ["east"]


async def test_a_stop_in_the_last_moment_leaves_no_claim(one: Bench) -> None:
    launch = await one.launch()
    asking = one.services.directory.centres["east"]
    real = asking.account

    async def slow(user: str) -> str:
        await one.store.update_launch(launch.id, target=Target.STOPPED)
        return await real(user)

    asking.account = slow  # type: ignore[method-assign]
    assert await one.step(launch) == 0.0
    assert list(one.services.in_flight.claims({})) == []
    assert (await one.over(launch)).cause == Message("ended.stopped")
    assert await one.store.attempts(launch.id) == ()


async def test_a_centre_that_hangs_is_waited_for_once(two: Bench) -> None:
    two.sites["east"].hangs.add("*")
    for watch in two.services.watches.values():
        watch._believed_until = 0.0
    began = time.monotonic()
    await refuse_impossible(two.services, Need(), "alice")
    assert 1.5 < time.monotonic() - began < 3.0
    await asyncio.sleep(3.2)  # the question's own deadline: from here on the centre is in trouble
    began = time.monotonic()
    for number in range(3):
        launch = await two.launch(name=str(number))
        await two.step(launch)
        assert (await two.last(launch)).centre == "west"
    assert time.monotonic() - began < 1.5


async def test_a_limit_of_one_s_own_is_refused_before_anything_is_submitted(two: Bench) -> None:
    two.plans("east", "west")
    await two.tick()
    for site in two.sites.values():
        site.limits[ACCOUNT] = (Limit(cores=2),)
    with pytest.raises(Refused) as caught:
        await refuse_impossible(two.services, Need(cores=4), "alice")
    assert "Your account may have at most 2 cores here; you asked for 4." in caught.value.message.say("en")
    two.sites["west"].limits[ACCOUNT] = (Limit(cores=4),)
    two.services.entitlements = Entitlements()
    launch = await two.launch(need=Need(cores=4))
    assert (await two.at(launch, "running")).centre == "west"
    assert two.sites["east"].jobs == {}


async def test_the_queue_that_moves_soonest_is_taken_and_what_was_expected_is_kept(two: Bench) -> None:
    two.plans("east", "west")
    for name, site in two.sites.items():
        site.cores_free, site.first_state = 0, JobState.QUEUED
        site.expected_start = time.time() + (60 if name == "west" else 6000)
    await two.tick()
    launch = await two.launch(need=Need(cores=4))
    attempt = await two.at(launch, "queued")
    assert attempt.centre == "west"
    assert attempt.ahead == 0
    assert attempt.predicted == pytest.approx(60, abs=3)
    placed = next(
        step for step in await two.store.transitions(launch.id) if step.message.code == "launch.placed"
    )
    assert "By its own plan it starts in about 1 min." in placed.message.say("en")


async def test_who_has_no_project_there_is_not_sent_there_again(two: Bench) -> None:
    two.sites["east"].trouble["submit"] = two.sites["west"].trouble["submit"] = Refused(
        "batch.account", cause=""
    )
    launch = await two.launch()
    ended = await two.over(launch)
    assert ended.cause == Message("ended.refused", {"why": Message("batch.account")})
    with pytest.raises(Refused) as caught:
        await refuse_impossible(two.services, Need(), "alice")
    assert caught.value.code == "place.nowhere"
    refused = decide(two.services, Need(), "alice").refused
    assert [offer.reasons[0].code for offer in refused] == ["batch.account"] * 2
    assert len(decide(two.services, Need(), "bob").ranked) == 2
    two.services.forget_missing_accounts("east")
    assert [offer.centre for offer in decide(two.services, Need(), "alice").ranked] == ["east"]
