"""Two live attempts of one launch: who wins, who is ended, what is said, and what a kill at any moment leaves behind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sampan.errors import Conflict, Refused, Unreachable
from sampan.messages import Message
from sampan.need import Need
from sampan.stages import Seen, Stage, Target
from sampan_hub.jobs import JobState
from sampan_hub.people import Person
from sampan_hub.records import Attempt, Launch, holder, rival
from sampan_hub.services import Services
from sampan_hub.steps.rivals import move_on
from sampan_hub.views import launch_view
from sampan_hub.watch import Watch
from tests.sampan_hub.scripted_centre import Bench

IDENTITY = {"JUPYTERHUB_API_TOKEN": "x"}
Scene = Callable[[Bench, str], Awaitable[Launch]]


async def moving(bench: Bench, name: str = "") -> Launch:
    """A session that serves, and a rival that is to follow it."""
    launch = await bench.launch(name=name, need=Need(cores=1, minutes=60))
    await bench.put_ready(launch)
    bench.services.identities[launch.id] = IDENTITY
    await move_on(bench.services, await bench.row(launch), 120)
    return launch


async def hedged(bench: Bench, name: str = "") -> Launch:
    """A start that waits at east, and a rival that runs at west as soon as it is submitted."""
    bench.sites["east"].cores_free, bench.sites["east"].first_state = 0, JobState.QUEUED
    bench.sites["west"].cores_free, bench.sites["west"].first_state = 0, JobState.RUNNING
    await bench.tick()
    launch = await bench.launch(name=name, need=Need(cores=1, centre="east"))
    await bench.at(launch, "queued")
    message = Message("launch.hedged", {"centre": "west", "wait": Message("wait.long")})
    await bench.store.add_attempt(
        launch.id,
        centre="west",
        share="main",
        account="hpc7",
        hub_id="test1",
        message=message,
        progress=30,
        rival=True,
    )
    return launch


async def sides(bench: Bench, launch: Launch) -> tuple[Attempt | None, Attempt | None]:
    attempts = await bench.store.attempts(launch.id)
    return holder(attempts), rival(attempts)


async def settle(bench: Bench, launch: Launch, looks: int = 30) -> None:
    """Steps and ticks until one attempt lives, or none; a rival that runs is reached by decree."""
    for _ in range(looks):
        held, beside = await sides(bench, launch)
        assert sum(one.live for one in await bench.store.attempts(launch.id)) <= 2
        given = (await bench.row(launch)).identity_attempt
        assert given is None or (held is not None and given <= held.number), "a rival has no identity"
        if beside is None and (held is None or held.cancel_requested_at is None):
            return
        if beside is not None and beside.stage is Stage.RUNNING and held and held.ready_at:
            await bench.store.update_attempt(launch.id, beside.number, stage=Stage.REACHABLE)
        await bench.step(launch)
        await bench.tick()
    raise AssertionError(await bench.codes(launch))


def live(bench: Bench, launch: Launch) -> list[str]:
    return [job.tag for site in bench.sites.values() for job in site.live if launch.id in job.tag]


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


# --- killed at any moment


class Killed(BaseException):
    """kill -9, as far as one process of tests can have it: nothing after it is run."""


def deadly(bench: Bench, after: int) -> None:
    """Kills the broker behind its `after`th effect from now on: a row that was written, or a command that was run."""
    left = [after]

    def mortal(work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def run(*args: Any, **more: Any) -> Any:
            done = await work(*args, **more)
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return done

        return run

    vars(bench.store)["_write"] = mortal(bench.store._write)
    for centre in bench.services.directory.centres.values():
        vars(centre.transport)["run"] = mortal(centre.transport.run)


def reborn(bench: Bench) -> None:
    """A new process over the same database and centres: nothing is remembered."""
    old = bench.services
    vars(bench.store).pop("_write", None)
    bench.services = Services(
        old.settings, old.store, old.directory, old.doors, old.master, wake=lambda _: None
    )
    for name, centre in old.directory.centres.items():
        vars(centre.transport).pop("run", None)
        bench.services.watches[name] = Watch(centre, lambda _: None)


@pytest.mark.parametrize("scene", [moving, hedged])
@pytest.mark.parametrize("stopped", [False, True])
async def test_killed_behind_each_effect_the_next_broker_comes_to_the_same_end(
    two: Bench, scene: Scene, stopped: bool
) -> None:
    """As many lives as there are effects between the rival's row and its victory (or the end of both)."""
    killed = 0
    for after in range(1, 60):
        for site in two.sites.values():
            site.jobs.clear()
            site.cores_free, site.first_state = 4, JobState.RUNNING
        reborn(two)
        await two.tick()
        launch = await scene(two, f"s{after}")
        if stopped:
            await two.at(launch, "submitted", number=2)
            await two.store.update_launch(launch.id, target=Target.STOPPED)
        deadly(two, after)
        try:
            await (two.over(launch) if stopped else settle(two, launch))
        except Killed:
            killed += 1
            reborn(two)
            two.services.identities[launch.id] = IDENTITY
            await two.tick()
            await (two.over(launch) if stopped else settle(two, launch))
        else:
            reborn(two)
        tags = [job.tag for site in two.sites.values() for job in site.jobs.values()]
        assert len(tags) == len(set(tags)) == 2, "nothing is submitted twice"
        held, beside = await sides(two, launch)
        assert held is not None
        assert beside is None
        assert live(two, launch) == ([] if stopped else [held.tag])
        assert held.number == (1 if stopped else 2)
        if killed < after:
            break
    assert killed > 8
