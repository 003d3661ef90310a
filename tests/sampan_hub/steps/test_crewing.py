"""A Dask cluster's launch and its workers' jobs, at a centre that loses replies, refuses, or has nothing to say."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, Final

import pytest

from sampan.errors import Refused, Unavailable
from sampan.messages import Message
from sampan.need import Need
from sampan.stages import Kind, Stage, Target
from sampan_hub import cluster_api
from sampan_hub.reconcile import Reconciler
from sampan_hub.records import Launch
from sampan_hub.steps.crewing import dismiss, hire, say_workers
from sampan_hub.sweep import sweep
from tests.sampan_hub.scripted_centre import Bench
from tests.waiting import until

KEY: Final = "0123456789abcdef" * 2
LOST: Final = Unavailable("centre.timeout", centre="here", seconds=10)


async def opened(one: Bench, need: Need | None = None, **share: Any) -> Launch:
    """A cluster beside a session that runs; `share`: what else its queue has."""
    parent = await one.launch()
    await one.put_ready(parent)
    if share:
        facts = one.services.directory.centres["east"].descriptor
        shares = tuple(each.model_copy(update=share) for each in facts.shares)
        one.put("east", facts.model_copy(update={"shares": shares}))
    need = need or Need(1, 512, 30)
    launch, _ = await one.store.create_launch("alice", Kind.CLUSTER, "c", need, {}, "/", parent=parent.id)
    return launch


async def hired(one: Bench, launch: Launch, *numbers: int, key: str = KEY) -> dict[str, str]:
    """As the route does it: what is asked for once more has an answer of its own."""
    told = {"key": key, "numbers": numbers, "address": "tls://10.1.2.3:40123", "keys": "/home/a/keys"}
    order = cluster_api.Order.model_validate({**told, "numbers": list(numbers)})
    return await cluster_api._hire(one.services, launch.id, order)


def workers(one: Bench) -> list[str]:
    return [job.id for job in one.sites["east"].live if "-dask-w-" in job.tag]


@pytest.mark.parametrize("demands", [(), (("gres", "dcu:1"),)])
async def test_each_worker_has_the_accelerators_that_were_asked_for(one: Bench, demands: Any) -> None:
    need = Need(1, 512, 30, "dcu", 2)
    launch = await opened(one, need, accelerators={"dcu": 4}, demands=demands)
    assert len(await hired(one, launch, 0, 1)) == 2
    specs = one.sites["east"].submitted[-2:]
    assert {(spec.accelerator, spec.accelerators, spec.directives) for spec in specs} == {("dcu", 2, ())}


async def test_a_queue_that_demands_a_card_gets_one_from_every_worker(one: Bench) -> None:
    launch = await opened(one, accelerators={"dcu": 4}, demands=(("gres", "dcu:1"),))
    await hired(one, launch, 0)
    spec = one.sites["east"].submitted[-1]
    assert (spec.accelerator, spec.accelerators, spec.minutes) == ("dcu", 1, 30)


@pytest.mark.parametrize("arrays", [False, True])
@pytest.mark.parametrize("restart", [False, True])
async def test_a_lost_answer_makes_no_second_workers(one: Bench, arrays: bool, restart: bool) -> None:
    """Whether it was this broker that asked, or one before."""
    site = one.sites["east"]
    site.arrays = one.services.centre("east").scheduler.arrays = arrays
    launch = await opened(one)
    site.lost_replies["submit"] = LOST
    with pytest.raises(Unavailable):
        await hired(one, launch, 3, 4)
    assert len(workers(one)) == 1
    if restart:
        one.services.rosters.forget(launch.id)
        one.services.started_at = one.services.now()
    jobs = await hired(one, launch, 3, 4)
    assert jobs == await hired(one, launch, 3, 4)
    assert {job.partition("_")[0] for job in jobs.values()} == set(workers(one))
    assert len(workers(one)) == (1 if arrays else 2)
    assert jobs.keys() == {"3", "4"}
    others = await hired(one, launch, 5, key="f" * 32)
    assert not set(others.values()) & set(jobs.values())
    assert len(workers(one)) == (2 if arrays else 3)


async def test_an_array_begins_at_its_first_place_however_many_workers_there_were(one: Bench) -> None:
    """Dask never gives a number again, and a centre's array ends at its MaxArraySize."""
    site = one.sites["east"]
    site.arrays = one.services.centre("east").scheduler.arrays = True
    launch = await opened(one)
    jobs = await hired(one, launch, 1500, 4, 1502)
    again = await hired(one, launch, 1600, key="f" * 32)
    (first, other), (whole, alone) = site.submitted[-2:], workers(one)
    assert (first.array, other.array) == ((0, 1, 2), (0,))
    assert jobs == {"4": f"{whole}_0", "1500": f"{whole}_1", "1502": f"{whole}_2"}
    assert again == {"1600": f"{alone}_0"}
    assert first.log != other.log, "each has a log of its own"


async def test_of_workers_that_are_refused_none_is_left(one: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    launch, centre = await opened(one), one.services.centre("east")
    take, asked = centre.scheduler.submit, []

    def two_alone(spec: Any) -> Any:
        asked.append(spec)
        if len(asked) == 3:
            raise Refused("scheduler.refused", why="no more")
        return take(spec)

    monkeypatch.setattr(centre.scheduler, "submit", two_alone)
    with pytest.raises(Refused):
        await hired(one, launch, 0, 1, 2, 3)
    assert len(asked) == 3
    assert workers(one) == []


async def test_whoever_hangs_up_and_asks_again_gets_what_is_under_way(one: Bench) -> None:
    """The request is cancelled as its connection ends; what it began goes on, and nobody begins it a second time."""
    site, launch = one.sites["east"], await opened(one)
    order = {"key": KEY, "numbers": [0], "address": "tls://10.1.2.3:40123", "keys": "/home/a/keys"}
    ask = one.services.centre("east").ask
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(what: Any, **more: Any) -> Any:
        if what.verb == "submit":
            begun.set()
            await go_on.wait()
        return await ask(what, **more)

    one.services.centre("east").ask = slow  # type: ignore[method-assign, assignment]
    said = cluster_api.Order.model_validate(order)
    first = asyncio.create_task(cluster_api.hire_workers(launch, said, one.services))
    await begun.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    second = asyncio.create_task(cluster_api.hire_workers(launch, said, one.services))
    await asyncio.sleep(0)
    go_on.set()
    assert (await second)["jobs"] == {"0": workers(one)[0]}
    assert len(site.live) == 2, "the session, and one worker"


async def test_single_workers_are_ended_and_nothing_that_is_not_its_own(one: Bench) -> None:
    launch = await opened(one)
    jobs = await hired(one, launch, 0, 1)
    session = next(iter(one.sites["east"].jobs))
    await dismiss(one.services, launch, [jobs["1"], session, "4711"])
    assert workers(one) == [jobs["0"]]
    assert one.sites["east"].cancelled == [jobs["1"]]


async def test_two_who_find_it_not_standing_stand_it_once(one: Bench) -> None:
    launch = await opened(one)
    told = {"key": KEY, "address": "tls://10.1.2.3:40123", "keys": "/home/a/keys", "python": ""}
    await asyncio.gather(one.step(launch), hire(one.services, launch, (0,), **told), one.step(launch))
    (attempt,) = await one.store.attempts(launch.id)
    assert attempt.stage is Stage.READY
    assert (await one.codes(launch)).count("cluster.stands") == 1


async def test_who_was_killed_between_two_writes_is_followed_by_one_who_finishes(one: Bench) -> None:
    launch = await opened(one)
    await one.step(launch)
    await one.store.update_attempt(launch.id, 1, stage=Stage.PLACED, ready_at=None)
    await one.step(launch)
    assert (await one.last(launch)).stage is Stage.READY


async def test_what_changes_often_is_not_said_each_time(one: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    launch = await opened(one)
    await one.step(launch)
    roster = one.services.rosters.of(launch.id)
    for workers in range(10):
        roster.state = {"workers": workers, "wanted": 10}
        await say_workers(one.services, await one.row(launch))
    assert (await one.codes(launch)).count("cluster.works") == 1
    roster.said_at -= 60
    with roster.listener():
        await one.step(launch)
    assert (await one.row(launch)).message.params["workers"] == 9, "the last is said by and by"


async def test_the_end_is_looked_for_less_and_less_often(one: Bench) -> None:
    site, launch = one.sites["east"], await opened(one)
    jobs = await hired(one, launch, 0)
    site.kills = False
    await one.store.update_launch(launch.id, target=Target.STOPPED)
    assert [await one.step(launch) for _ in range(6)] == [0.5, 1, 2, 4, 5, 5]
    assert site.cancelled == [jobs["0"]]
    site.kills = True
    one.services.rosters.of(launch.id).asked_at -= 60
    await one.over(launch)
    assert workers(one) == []


async def test_a_link_that_flaps_ends_no_cluster(one: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    launch = await opened(one)
    await one.step(launch)
    now = 1000.0
    monkeypatch.setattr("sampan_hub.rosters.time.monotonic", lambda: now)
    way, later = (SimpleNamespace(closed=asyncio.Event()) for _ in range(2))
    one.services.links[str(launch.parent)] = way  # type: ignore[assignment]

    async def still() -> bool:
        return True

    async def listens() -> None:
        lines = cluster_api._wishes(one.services, await one.row(launch), still)
        assert await anext(lines) == "{}\n"
        await lines.aclose()

    await listens()
    way.closed.set()
    one.services.links[str(launch.parent)] = later  # type: ignore[assignment]
    now += 60
    await one.step(launch)
    assert (await one.row(launch)).target is Target.READY, "it may be busy"
    await listens()
    now += 21
    await one.step(launch)
    assert (await one.row(launch)).target is Target.STOPPED, "it hung up"
    one.services.links.clear()


@pytest.mark.parametrize(
    "cause", ["node", "failed", "signal", "memory", "cancelled_by_operator", "unreachable"]
)
async def test_waiting_workers_go_when_the_job_of_their_maker_was_lost(one: Bench, cause: str) -> None:
    """Dask's scheduler was a process there, so nobody is left whom they could work for."""
    launch = await opened(one)
    await hired(one, launch, 0, 1)
    why = {"stage": "ended", "ended_at": one.services.now(), "cause": Message(f"ended.{cause}")}
    await one.store.update_launch(str(launch.parent), **why)
    ended = await one.over(launch)
    assert ended.cause == Message("ended.deserted")
    assert workers(one) == []


@pytest.mark.parametrize("rival", [False, True])
async def test_workers_go_when_their_session_goes_on_in_another_job(one: Bench, rival: bool) -> None:
    """And stay where that one came to nothing."""
    launch = await opened(one)
    jobs = await hired(one, launch, 0)
    (made,) = await one.store.attempts(launch.id)
    over = {"stage": "ended", "ended_at": made.created_at + 1, "rival": rival}
    await one.store.update_attempt(str(launch.parent), 1, **over)
    if rival:
        await one.step(launch)
        assert (await one.row(launch)).target is Target.READY
        assert workers(one) == [*jobs.values()]
    else:
        assert (await one.over(launch)).cause == Message("ended.deserted")
        assert workers(one) == []


async def test_nothing_is_kept_of_a_cluster_that_is_over(one: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where somebody asks for it when it has ended, or it ends before it stands."""
    monkeypatch.setattr("sampan_hub.reconcile._ROUTE_STAYS", 0.0)
    reconciler, launch = Reconciler(one.services), await opened(one)
    await one.store.update_launch(launch.id, target=Target.STOPPED)
    await one.over(launch)
    one.services.rosters.of(launch.id).state = {"workers": 1, "wanted": 1}
    one.services.end_heard(launch.id).set()
    await reconciler.take_up(await one.row(launch))
    await until(lambda: not reconciler._tasks)
    assert not one.services.rosters.of(launch.id).state


async def test_what_came_too_late_is_swept_by_its_attempts_name(one: Bench) -> None:
    site, launch = one.sites["east"], await opened(one)
    await hired(one, launch, 0, 1)
    late = list(site.live)
    await one.store.update_launch(launch.id, target=Target.STOPPED)
    await one.over(launch)
    for job in late[1:]:
        site.jobs[job.id].state = late[0].state
    assert await sweep(one.services, "east") == 2
    assert workers(one) == []
