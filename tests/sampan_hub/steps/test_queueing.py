"""In a queue: with a place, and not while there is room elsewhere."""

from __future__ import annotations

from sampan.messages import Message
from sampan.need import Need
from sampan_hub.jobs import JobState
from sampan_hub.records import Launch
from sampan_hub.steps.placing import decide
from tests.sampan_hub.scripted_centre import ACCOUNT, Bench, ScriptedJob


async def _queued(bench: Bench, name: str = "") -> Launch:
    """Both centres full; the launch waits at one of them since a while."""
    for site in bench.sites.values():
        site.cores_free, site.first_state = 0, JobState.QUEUED
    await bench.tick()
    launch = await bench.launch(name=name, need=Need(cores=4))
    attempt = await bench.at(launch, "queued")
    await bench.store.update_attempt(launch.id, attempt.number, queued_at=bench.services.now() - 10)
    return launch


async def test_stays_while_all_are_full(two: Bench) -> None:
    launch = await _queued(two)
    for _ in range(3):
        await two.tick()
        await two.step(launch)
    assert len(await two.store.attempts(launch.id)) == 1


async def test_moves_when_a_berth_frees_elsewhere(two: Bench) -> None:
    launch = await _queued(two)
    here = (await two.last(launch)).centre
    there = next(name for name in two.sites if name != here)
    two.sites[there].cores_free, two.sites[there].first_state = 4, JobState.RUNNING
    await two.tick()
    attempt = await two.at(launch, "running")
    assert attempt.centre == there
    assert two.sites[here].live == [], "it never waits at two centres"
    first = (await two.store.attempts(launch.id))[0]
    assert first.cause is not None
    assert first.cause.code == "ended.moved"


async def test_one_berth_moves_one_launch(two: Bench) -> None:
    launches = [await _queued(two, str(number)) for number in range(3)]
    two.sites["west"].cores_free, two.sites["west"].first_state = 4, JobState.RUNNING
    two.sites["west"].jobs.clear()
    two.sites["east"].jobs.clear()
    for launch in launches:
        await two.store.update_attempt(launch.id, 1, centre="east", job="1")
    for number, launch in enumerate(launches, 1):
        tag = (await two.last(launch)).tag
        two.sites["east"].jobs[str(number)] = ScriptedJob(str(number), tag, ACCOUNT, JobState.QUEUED)
        await two.store.update_attempt(launch.id, 1, job=str(number))
    for watch in two.services.watches.values():
        for job in ("1", "2", "3"):
            watch.forget(job)
    for launch in launches:
        await two.step(launch)
    await two.tick()
    for launch in launches:
        await two.step(launch)
    moving = [launch for launch in launches if (await two.last(launch)).cancel_requested_at is not None]
    assert len(moving) == 1


async def test_does_not_move_back_to_where_it_failed(two: Bench) -> None:
    launch = await two.launch(need=Need(cores=4))
    attempt = await two.at(launch, "running")
    failed = attempt.centre
    other = next(name for name in two.sites if name != failed)
    two.sites[other].cores_free, two.sites[other].first_state = 0, JobState.QUEUED
    job = two.sites[failed].jobs[attempt.job or ""]
    job.state, job.why = JobState.ENDED, Message("ended.failed", {"code": 1})
    await two.tick()
    await two.step(launch)
    waiting = await two.at(launch, "queued")
    assert waiting.centre == other
    await two.store.update_attempt(launch.id, waiting.number, queued_at=two.services.now() - 10)
    for _ in range(3):
        await two.tick()
        await two.step(launch)
    assert (await two.last(launch)).number == waiting.number


async def test_the_queue_limit_is_its_own(two: Bench) -> None:
    launch = await _queued(two)
    attempt = await two.last(launch)
    two.describe(attempt.centre, queue_minutes=1)
    await two.step(launch)
    await two.tick()
    await two.store.update_attempt(launch.id, attempt.number, queued_at=two.services.now() - 61)
    await two.step(launch)
    await two.tick()
    await two.step(launch)
    cause = (await two.store.attempts(launch.id))[0].cause
    assert cause == Message("ended.queue_limit", {"minutes": 1})
    assert (await two.at(launch, "queued")).centre != attempt.centre


async def test_a_free_that_never_starts_is_not_believed_again_for_a_while(two: Bench) -> None:
    """It says that it has room, takes the job, lets it wait as the next one, and goes on saying so."""
    launch = await two.launch(need=Need(cores=4))
    liar = (await two.at(launch, "submitted")).centre
    site = two.sites[liar]
    site.jobs["1"].state = JobState.QUEUED
    other = next(name for name in two.sites if name != liar)
    two.sites[other].cores_free = 0
    await two.at(launch, "queued")
    await two.step(launch)
    assert not two.services.outcomes, "not yet"
    await two.store.update_attempt(launch.id, 1, queued_at=two.services.now() - 61)
    for _ in range(3):
        await two.step(launch)
        await two.tick()
    told = two.services.outcomes
    assert [(outcome.centre, outcome.kind) for outcome in told] == [(liar, "unkept")], "once"
    two.sites[other].first_state = JobState.QUEUED
    later = await two.launch("bob", need=Need(cores=4))
    assert (await two.at(later, "queued")).centre == other
    offers = decide(two.services, Need(cores=4), "bob").ranked
    assert [(offer.centre, offer.reasons[0].code) for offer in offers][1:] == [(liar, "place.unkept")]


async def test_a_queue_that_is_full_by_now_has_told_no_lie(two: Bench) -> None:
    launch = await two.launch(need=Need(cores=4))
    here = (await two.at(launch, "submitted")).centre
    two.sites[here].jobs["1"].state = JobState.QUEUED
    for site in two.sites.values():
        site.cores_free = 0
    await two.at(launch, "queued")
    await two.store.update_attempt(launch.id, 1, queued_at=two.services.now() - 61)
    for _ in range(2):
        await two.step(launch)
        await two.tick()
    assert two.services.outcomes == ()


async def test_a_start_that_failed_is_held_against_its_centre_for_that_person(two: Bench) -> None:
    launch = await two.launch()
    attempt = await two.at(launch, "running")
    job = two.sites[attempt.centre].jobs[attempt.job or ""]
    job.state, job.why = JobState.ENDED, Message("ended.failed", {"code": 1})
    await two.tick()
    await two.step(launch)
    best = {owner: decide(two.services, Need(cores=1), owner).ranked[0].centre for owner in ("alice", "bob")}
    assert best["alice"] != attempt.centre
    assert decide(two.services, Need(cores=1), "alice").ranked[1].reasons[0].code == "place.failed_lately"
    assert {offer.verdict for offer in decide(two.services, Need(cores=1), "bob").ranked} == {"now"}
