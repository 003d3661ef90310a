"""FAULTS 5: the broker's database is lost, or an hour old. What runs is found again by its papers, and by nothing else."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sampan.errors import Conflict, Forbidden, Unavailable
from sampan.messages import Message
from sampan.need import Need
from sampan.stages import Kind
from sampan_hub.adoption import sure
from sampan_hub.descriptor import Descriptor
from sampan_hub.jobs import JobState
from sampan_hub.keys import MasterKey
from sampan_hub.papers import Papers
from sampan_hub.records import Launch
from sampan_hub.sweep import sweep
from tests.sampan_hub.scripted_centre import ACCOUNT, Bench, ScriptedJob, bench


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, "east", "west") as made:
        yield made


async def _sweep(two: Bench) -> None:
    for name in two.sites:
        await sweep(two.services, name)


async def _lose(two: Bench, tmp_path: Path) -> None:
    await two.restart(tmp_path / "another.sqlite")


def _settings(two: Bench, **changes: Any) -> None:
    two.services.settings = replace(two.services.settings, **changes)


def _age(two: Bench, seconds: float) -> None:
    for stray in two.services.strays.found.values():
        stray.since -= seconds


def _ours(two: Bench, owner: str, **changes: Any) -> ScriptedJob:
    """A job at east that was submitted for that owner, in a history that this database does not know."""
    papers = Papers(
        **{
            "tag": f"sampan-test1-lost{owner}-1",
            "owner": owner,
            "account": ACCOUNT,
            "kind": Kind.SERVER,
            "name": "",
            "need": Need(),
            "options": {},
            "prefix": f"/user/{owner}/",
            "parent": None,
            "door_port": None,
            "centre": "east",
            "share": two.services.directory.centres["east"].descriptor.shares[0].id,
            "created_at": time.time(),
            "submitted_at": time.time(),
            **changes,
        }
    )
    script = f"#!/bin/bash\n# papers: {papers.seal(two.services.master)}\n"
    number = str(70 + len(two.sites["east"].jobs))
    job = ScriptedJob(number, papers.tag, papers.account, submitted_at=papers.submitted_at, script=script)
    two.sites["east"].jobs[number] = job
    return job


async def _launch(two: Bench, job: ScriptedJob) -> Launch | None:
    return await two.store.launch(job.tag.split("-")[2])


def _mapped(two: Bench, table: dict[str, str], name: str = "east") -> Descriptor:
    """From now on these people have these accounts there."""
    facts = two.services.directory.centres[name].descriptor
    accounts = facts.accounts.model_copy(update={"method": "table", "table": table, "account": None})
    two.put(name, facts.model_copy(update={"accounts": accounts}))
    return facts


# --- what runs is found again


async def test_a_lost_database_is_written_anew_from_the_jobs(two: Bench, tmp_path: Path) -> None:
    before = await two.launch("李雷", "第二", need=Need(cores=2))
    await two.store.update_launch(before.id, door_port=23456)
    attempt = await two.at(before, "running")
    old = await two.row(before)
    await _lose(two, tmp_path)
    assert await two.store.launch(before.id) is None
    await _sweep(two)
    found = await two.row(before)
    for name in ("id", "owner", "kind", "name", "need", "prefix", "door_port", "created_at", "parent"):
        assert getattr(found, name) == getattr(old, name), name
    last = await two.last(before)
    for name in ("tag", "job", "centre", "share", "account", "number"):
        assert getattr(last, name) == getattr(attempt, name), name
    assert found.message.code == "launch.found_again"
    assert two.woken[-1:] == [before.id]
    assert two.services.strays.counts == {(attempt.centre, "adopted"): 1}
    # It goes on from there, and nothing was submitted or cancelled.
    assert (await two.at(before, "running")).job == attempt.job
    assert sum(len(site.jobs) for site in two.sites.values()) == 1
    assert [site.cancelled for site in two.sites.values()] == [[], []]


async def test_found_once(two: Bench, tmp_path: Path) -> None:
    launch = await two.launch()
    await two.at(launch, "running")
    await _lose(two, tmp_path)
    for _ in range(3):
        await _sweep(two)
    assert len(await two.store.attempts(launch.id)) == 1
    assert (await two.codes(launch)) == ["launch.found_again"]


async def test_what_runs_may_have_been_ready_and_what_waits_was_not(two: Bench, tmp_path: Path) -> None:
    """Of one that ran nobody makes the identity anew before its launcher was asked; and it is not started elsewhere."""
    two.sites["east"].first_state = two.sites["west"].first_state = JobState.QUEUED
    waits = await two.launch("alice")
    await two.at(waits, "queued")
    two.sites["east"].first_state = two.sites["west"].first_state = JobState.RUNNING
    runs = await two.launch("bob")
    await two.at(runs, "running")
    await _lose(two, tmp_path)
    await _sweep(two)
    assert ((await two.row(waits)).identity_attempt, (await two.last(waits)).ready_at) == (None, None)
    assert (await two.row(runs)).identity_attempt == 1
    assert (await two.last(runs)).ready_at is not None
    job = two.sites[(await two.last(runs)).centre].jobs[str((await two.last(runs)).job)]
    job.state, job.why = JobState.ENDED, None
    ended = await two.over(runs)
    assert len(await two.store.attempts(ended.id)) == 1


async def test_a_stop_that_the_copy_remembers_wins(two: Bench, tmp_path: Path) -> None:
    launch = await two.launch()
    await two.step(launch)
    await two.store.update_launch(launch.id, target="stopped")
    _backup(tmp_path)
    await two.store.update_launch(launch.id, target="ready")
    attempt = await two.at(launch, "running")
    await _copy_of(two, tmp_path)
    await two.over(launch)
    await _sweep(two)
    assert two.sites[attempt.centre].live == []


def _backup(tmp_path: Path) -> None:
    with (
        closing(sqlite3.connect(tmp_path / "broker.sqlite")) as source,
        closing(sqlite3.connect(tmp_path / "copy.sqlite")) as copy,
    ):
        source.backup(copy)


async def _copy_of(two: Bench, tmp_path: Path) -> None:
    await two.restart(tmp_path / "copy.sqlite")


# --- an older copy


async def test_a_copy_from_before_the_submission_submits_nothing_twice(two: Bench, tmp_path: Path) -> None:
    launch = await two.launch()
    await two.step(launch)
    placed = await two.last(launch)
    assert (placed.stage, placed.submit_began_at) == ("placed", None)
    _backup(tmp_path)
    attempt = await two.at(launch, "running")
    await _copy_of(two, tmp_path)
    again = await two.at(launch, "running")
    assert (again.job, again.tag) == (attempt.job, attempt.tag)
    assert sum(len(site.jobs) for site in two.sites.values()) == 1


async def test_a_copy_that_knows_an_earlier_attempt_only(two: Bench, tmp_path: Path) -> None:
    launch = await two.launch()
    first = await two.at(launch, "running")
    _backup(tmp_path)
    two.sites[first.centre].jobs[str(first.job)].state = JobState.ENDED
    second = await two.at(launch, "running", number=2)
    await _copy_of(two, tmp_path)
    await _sweep(two)
    attempts = await two.store.attempts(launch.id)
    assert [(one.number, one.job, one.live) for one in attempts] == [
        (1, first.job, False),
        (2, second.job, True),
    ]
    assert (attempts[0].cause and attempts[0].cause.code, attempts[0].seen) == ("ended.older", "unknown")
    assert sum(len(site.live) for site in two.sites.values()) == 1


async def test_a_copy_whose_launch_made_another_attempt_before_the_sweep(two: Bench, tmp_path: Path) -> None:
    """The tag is given out twice: the one that the database knows counts, the other one ends."""
    launch = await two.launch()
    first = await two.at(launch, "running")
    _backup(tmp_path)
    two.sites[first.centre].jobs[str(first.job)].state = JobState.ENDED
    second = await two.at(launch, "running", number=2)
    await _copy_of(two, tmp_path)
    other = "west" if second.centre == "east" else "east"
    await two.store.update_attempt(launch.id, 1, stage="ended", ended_at=time.time())
    await two.store.add_attempt(
        launch.id,
        centre=other,
        share=two.services.directory.centres[other].descriptor.shares[0].id,
        account=ACCOUNT,
        hub_id="test1",
        message=Message("launch.accepted"),
        progress=10,
    )
    again = await two.at(launch, "running", number=2)
    assert (again.centre, again.tag) == (other, second.tag)
    _settings(two, drain_after=60)
    await _sweep(two)
    assert two.sites[second.centre].cancelled == []
    _age(two, 61)
    await _sweep(two)
    assert two.sites[second.centre].cancelled == [second.job]
    assert [job.id for job in two.sites[other].live] == [again.job]


async def test_a_server_that_was_followed_by_another_comes_back_when_the_older_one_is_known_to_be_over(
    two: Bench, tmp_path: Path
) -> None:
    former = await two.launch()
    first = await two.at(former, "running")
    await two.store.update_attempt(former.id, 1, ready_at=time.time())
    _backup(tmp_path)
    two.sites[first.centre].jobs[str(first.job)].state = JobState.ENDED
    await two.over(former)
    later = await two.launch()
    attempt = await two.at(later, "running")
    await _copy_of(two, tmp_path)
    await _sweep(two)
    assert await two.store.launch(later.id) is None
    assert two.services.strays.pause(attempt.centre) < 60
    await two.over(former)
    await _sweep(two)
    assert (await two.row(later)).live
    assert two.sites[attempt.centre].cancelled == []


# --- whose it is


async def test_nobody_gets_another_s_server(two: Bench, tmp_path: Path) -> None:
    """The account was Alice's and is Bob's now: her job is not his, and not hers any more."""
    _mapped(two, {"alice": "hpc7", "bob": "hpc8"})
    job = _ours(two, "alice", account="hpc7")
    _mapped(two, {"alice": "hpc9", "bob": "hpc7"})
    await _sweep(two)
    assert await two.store.launches(None) == ()
    _settings(two, drain_after=0)
    await _sweep(two)
    assert two.sites["east"].cancelled == [job.id]
    assert await two.store.launches(None) == ()


async def test_a_person_who_has_no_account_there_any_more(two: Bench) -> None:
    _mapped(two, {"bob": "hpc8"})
    _ours(two, "alice")
    await _sweep(two)
    assert await two.store.launches(None) == ()
    assert two.sites["east"].cancelled == []


@pytest.mark.parametrize(
    "change",
    [
        {"script": "#!/bin/bash\n"},
        {"account": "mallory"},
        {"account": "root"},
        {"account": "../x"},
        {"tag": "sampan-test1-lostalice-2"},
        {"submitted_at": None},
        {"submitted_at": 1.0},
        {"submitted_at": 4e9},
    ],
)
async def test_what_is_not_proved_to_be_ours_is_never_touched(two: Bench, change: dict[str, Any]) -> None:
    """Copied papers, another's account, another number, another time: whatever anybody may put into a queue."""
    job = _ours(two, "alice")
    two.sites["east"].jobs[job.id] = replace(job, **change)
    _settings(two, drain_after=0)
    for _ in range(3):
        await _sweep(two)
    assert await two.store.launches(None) == ()
    assert two.sites["east"].cancelled == []
    assert two.services.strays.counts == {("east", "foreign"): 1}


async def test_another_secret_is_another_hub(two: Bench) -> None:
    job = _ours(two, "alice")
    two.services.master = MasterKey(bytes(32))
    _settings(two, drain_after=0)
    await _sweep(two)
    assert (await two.store.launches(None), two.sites["east"].cancelled) == ((), [])
    assert job.state is JobState.RUNNING


@pytest.mark.parametrize(
    "tag", ["sampan-test2-lostalice-1", "sampan-test-lostalice-1", "sampan-test12-lostalice-1"]
)
async def test_two_hubs_never_touch_each_other_s_jobs(two: Bench, tag: str) -> None:
    """Not even with the same secret."""
    _ours(two, "alice", tag=tag)
    _settings(two, drain_after=0)
    await _sweep(two)
    assert (await two.store.launches(None), two.sites["east"].cancelled) == ((), [])
    assert "script" not in two.sites["east"].asked


async def test_one_centre_under_two_names(two: Bench) -> None:
    """Its jobs are found under the name they were sent to."""
    job = _ours(two, "alice")
    two.sites["west"].jobs[job.id] = job
    _settings(two, drain_after=0)
    await sweep(two.services, "west")
    assert (await two.store.launches(None), two.sites["west"].cancelled) == ((), [])
    await sweep(two.services, "east")
    assert await _launch(two, job) is not None


# --- policy


@pytest.mark.parametrize(("policy", "after", "cancelled"), [("drain", 0, 1), ("drain", 60, 0), ("leave", 0, 0)])
async def test_a_hub_that_does_not_adopt(two: Bench, policy: str, after: int, cancelled: int) -> None:
    job = _ours(two, "alice")
    _settings(two, strays=policy, drain_after=after)
    await _sweep(two)
    assert await _launch(two, job) is None
    assert len(two.sites["east"].cancelled) == cancelled
    assert two.services.strays.counts["east", "drained"] == cancelled


async def test_an_end_that_does_not_come_is_asked_for_again_and_counted_once(two: Bench) -> None:
    _ours(two, "alice")
    two.sites["east"].kills = False
    _settings(two, strays="drain", drain_after=0)
    await _sweep(two)
    await _sweep(two)
    assert len(two.sites["east"].cancelled) == 2
    assert two.services.strays.counts["east", "drained"] == 1


async def test_who_started_anew_meanwhile_keeps_that(two: Bench) -> None:
    """Their centre was away; the older server waits for its place, and gets it when the new one ends."""
    launch = await two.launch("alice")
    await two.at(launch, "running")
    job = _ours(two, "alice")
    await _sweep(two)
    assert await _launch(two, job) is None
    await two.store.update_launch(launch.id, target="stopped")
    await two.over(launch)
    await _sweep(two)
    assert await _launch(two, job) is not None


# --- centres that do not answer


@pytest.mark.parametrize("verb", ["find", "script"])
async def test_unknown_is_not_dead(two: Bench, verb: str) -> None:
    job = _ours(two, "alice")
    _settings(two, drain_after=0)
    two.sites["east"].trouble[verb] = Unavailable("scheduler.no_answer")
    await _sweep(two)
    assert (await _launch(two, job), two.sites["east"].cancelled) == (None, [])
    assert not await sure(two.services, "alice", "lostalice")
    assert two.services.strays.pause("east") < 60
    two.sites["east"].trouble.clear()
    await _sweep(two)
    assert await _launch(two, job) is not None


async def test_there_is_no_such_launch_is_said_when_every_centre_has_told(two: Bench) -> None:
    assert not await sure(two.services, "alice", "abcd2345")
    await sweep(two.services, "east")
    assert not await sure(two.services, "alice", "abcd2345")
    await sweep(two.services, "west")
    assert await sure(two.services, "alice", "abcd2345")


@pytest.mark.parametrize("method", ["table", "command"])
async def test_where_nobody_sees_all_jobs(two: Bench, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The people of a table are asked for; whom only a command knows, when the hub asks for a launch of theirs."""
    facts = _mapped(two, {"alice": ACCOUNT})
    scheduler = facts.scheduler.model_copy(update={"sees_all_jobs": False})
    accounts = two.services.directory.centres["east"].descriptor.accounts.model_copy(
        update={"method": method}
    )
    two.put("east", facts.model_copy(update={"scheduler": scheduler, "accounts": accounts}))

    async def account(user: str) -> str:
        if user != "alice":
            raise Forbidden("centre.account", centre="east")
        return ACCOUNT

    monkeypatch.setattr(two.services.directory.centres["east"], "account", account)
    job = _ours(two, "alice")
    await _sweep(two)
    if method == "command":
        assert await _launch(two, job) is None
        assert not await sure(two.services, "alice", "lostalice")
        await _sweep(two)
    assert await _launch(two, job) is not None
    assert await sure(two.services, "alice", "lostalice")
    assert await sure(two.services, "bob", "lostbob")


# --- families and rivals


async def test_a_child_waits_for_its_parent(two: Bench) -> None:
    parent = _ours(two, "alice", tag="sampan-test1-parent-1")
    child = _ours(two, "alice", tag="sampan-test1-child-1", kind=Kind.KERNEL, name="k", parent="parent")
    del two.sites["east"].jobs[parent.id]
    await _sweep(two)
    assert await _launch(two, child) is None
    two.sites["east"].jobs[parent.id] = parent
    await _sweep(two)
    await _sweep(two)
    found = await _launch(two, child)
    assert (found and found.parent) == "parent"


async def test_a_rival_beside_its_holder(two: Bench) -> None:
    holder = _ours(two, "alice", tag="sampan-test1-both-1")
    rival = _ours(two, "alice", tag="sampan-test1-both-2", rival=True, minutes=30)
    await _sweep(two)
    attempts = await two.store.attempts("both")
    assert [(one.job, one.rival, one.live, one.minutes) for one in attempts] == [
        (holder.id, False, True, None),
        (rival.id, True, True, 30),
    ]


async def test_a_rival_whose_holder_has_gone_is_the_holder(two: Bench) -> None:
    _ours(two, "alice", tag="sampan-test1-both-2", rival=True)
    await sweep(two.services, "east")
    assert await two.store.attempts("both") == (), "west has not told yet"
    await _sweep(two)
    await _sweep(two)
    assert [(one.rival, one.live) for one in await two.store.attempts("both")] == [(False, True)]


async def test_two_jobs_of_one_tag(two: Bench) -> None:
    """A submission whose reply was lost, twice: the first one counts."""
    first = _ours(two, "alice")
    two.sites["east"].jobs["99"] = replace(first, id="99", submitted_at=time.time() + 1)
    await _sweep(two)
    await _sweep(two)
    assert two.sites["east"].cancelled == ["99"]
    assert [one.job for one in await two.store.attempts("lostalice")] == [first.id]


async def test_a_place_that_is_taken_leaves_nothing_half_written(two: Bench) -> None:
    launch = await two.launch("alice")
    job = _ours(two, "alice")
    papers = Papers.of(job.script, job.tag, two.services.master)
    assert papers is not None
    with pytest.raises(Conflict):
        await two.store.readmit(papers, await _found(two, job), launch.message)
    assert [one.id for one in await two.store.launches(None)] == [launch.id]
    assert await two.store.attempts("lostalice") == ()


async def _found(two: Bench, job: ScriptedJob) -> Any:
    centre = two.services.directory.centres["east"]
    return (await centre.ask(centre.scheduler.find([job.tag])))[0]
