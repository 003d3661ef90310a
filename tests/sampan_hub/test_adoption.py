"""FAULTS 5: the broker's database is lost, or an hour old. What runs is found again by its papers, and by nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sampan.errors import Forbidden, Unavailable
from sampan.need import Need
from sampan_hub.adoption import sure
from sampan_hub.jobs import JobState
from sampan_hub.keys import MasterKey
from sampan_hub.sweep import sweep
from tests.sampan_hub.lost import launch_of, mapped, ours, settings, sweep_all
from tests.sampan_hub.scripted_centre import ACCOUNT, Bench, bench


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, "east", "west") as made:
        yield made


async def _lose(two: Bench, tmp_path: Path) -> None:
    await two.restart(tmp_path / "another.sqlite")


# --- what runs is found again


async def test_a_lost_database_is_written_anew_from_the_jobs(two: Bench, tmp_path: Path) -> None:
    before = await two.launch("李雷", "第二", need=Need(cores=2))
    await two.store.update_launch(before.id, door_port=23456)
    attempt = await two.at(before, "running")
    old = await two.row(before)
    await _lose(two, tmp_path)
    assert await two.store.launch(before.id) is None
    await sweep_all(two)
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
        await sweep_all(two)
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
    await sweep_all(two)
    assert ((await two.row(waits)).identity_attempt, (await two.last(waits)).ready_at) == (None, None)
    assert (await two.row(runs)).identity_attempt == 1
    assert (await two.last(runs)).ready_at is not None
    job = two.sites[(await two.last(runs)).centre].jobs[str((await two.last(runs)).job)]
    job.state, job.why = JobState.ENDED, None
    ended = await two.over(runs)
    assert len(await two.store.attempts(ended.id)) == 1


# --- whose it is


async def test_nobody_gets_another_s_server(two: Bench, tmp_path: Path) -> None:
    """The account was Alice's and is Bob's now: her job is not his, and not hers any more."""
    mapped(two, {"alice": "hpc7", "bob": "hpc8"})
    job = ours(two, "alice", account="hpc7")
    mapped(two, {"alice": "hpc9", "bob": "hpc7"})
    await sweep_all(two)
    assert await two.store.launches(None) == ()
    settings(two, drain_after=0)
    await sweep_all(two)
    assert two.sites["east"].cancelled == [job.id]
    assert await two.store.launches(None) == ()


async def test_a_person_who_has_no_account_there_any_more(two: Bench) -> None:
    mapped(two, {"bob": "hpc8"})
    ours(two, "alice")
    await sweep_all(two)
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
    job = ours(two, "alice")
    two.sites["east"].jobs[job.id] = replace(job, **change)
    settings(two, drain_after=0)
    for _ in range(3):
        await sweep_all(two)
    assert await two.store.launches(None) == ()
    assert two.sites["east"].cancelled == []
    assert two.services.strays.counts == {("east", "foreign"): 1}


async def test_another_secret_is_another_hub(two: Bench) -> None:
    job = ours(two, "alice")
    two.services.master = MasterKey(bytes(32))
    settings(two, drain_after=0)
    await sweep_all(two)
    assert (await two.store.launches(None), two.sites["east"].cancelled) == ((), [])
    assert job.state is JobState.RUNNING


@pytest.mark.parametrize(
    "tag", ["sampan-test2-lostalice-1", "sampan-test-lostalice-1", "sampan-test12-lostalice-1"]
)
async def test_two_hubs_never_touch_each_other_s_jobs(two: Bench, tag: str) -> None:
    """Not even with the same secret."""
    ours(two, "alice", tag=tag)
    settings(two, drain_after=0)
    await sweep_all(two)
    assert (await two.store.launches(None), two.sites["east"].cancelled) == ((), [])
    assert "script" not in two.sites["east"].asked


async def test_one_centre_under_two_names(two: Bench) -> None:
    """Its jobs are found under the name they were sent to."""
    job = ours(two, "alice")
    two.sites["west"].jobs[job.id] = job
    settings(two, drain_after=0)
    for _ in range(3):
        await sweep(two.services, "west")
    assert (await two.store.launches(None), two.sites["west"].cancelled) == ((), [])
    assert two.sites["west"].asked.count("script") == 1
    await sweep(two.services, "east")
    assert await launch_of(two, job) is not None


# --- policy


@pytest.mark.parametrize(
    ("policy", "after", "cancelled"), [("drain", 0, 1), ("drain", 60, 0), ("leave", 0, 0)]
)
async def test_a_hub_that_does_not_adopt(two: Bench, policy: str, after: int, cancelled: int) -> None:
    job = ours(two, "alice")
    settings(two, strays=policy, drain_after=after)
    await sweep_all(two)
    assert await launch_of(two, job) is None
    assert len(two.sites["east"].cancelled) == cancelled
    assert two.services.strays.counts["east", "drained"] == cancelled


async def test_an_end_that_does_not_come_is_asked_for_again_and_counted_once(two: Bench) -> None:
    ours(two, "alice")
    two.sites["east"].kills = False
    settings(two, strays="drain", drain_after=0)
    await sweep_all(two)
    await sweep_all(two)
    assert len(two.sites["east"].cancelled) == 2
    assert two.services.strays.counts["east", "drained"] == 1


async def test_who_started_anew_meanwhile_keeps_that(two: Bench) -> None:
    """Their centre was away; the older server waits for its place, and gets it when the new one ends."""
    launch = await two.launch("alice")
    await two.at(launch, "running")
    job = ours(two, "alice")
    await sweep_all(two)
    assert await launch_of(two, job) is None
    await two.store.update_launch(launch.id, target="stopped")
    await two.over(launch)
    await sweep_all(two)
    assert await launch_of(two, job) is not None


# --- centres that do not answer


@pytest.mark.parametrize("verb", ["find", "script"])
async def test_unknown_is_not_dead(two: Bench, verb: str) -> None:
    job = ours(two, "alice")
    settings(two, drain_after=0)
    two.sites["east"].trouble[verb] = Unavailable("scheduler.no_answer")
    await sweep_all(two)
    assert (await launch_of(two, job), two.sites["east"].cancelled) == (None, [])
    assert not await sure(two.services, "alice", "lostalice")
    assert two.services.strays.pause("east") < 60
    two.sites["east"].trouble.clear()
    await sweep_all(two)
    assert await launch_of(two, job) is not None


async def test_there_is_no_such_launch_is_said_when_every_centre_has_told(two: Bench) -> None:
    assert not await sure(two.services, "alice", "abcd2345")
    await sweep(two.services, "east")
    assert not await sure(two.services, "alice", "abcd2345")
    await sweep(two.services, "west")
    assert await sure(two.services, "alice", "abcd2345")


@pytest.mark.parametrize("method", ["table", "command"])
async def test_where_nobody_sees_all_jobs(two: Bench, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The people of a table are asked for; whom only a command knows, when the hub asks for a launch of theirs."""
    facts = mapped(two, {"alice": ACCOUNT})
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
    job = ours(two, "alice")
    await sweep_all(two)
    if method == "command":
        assert await launch_of(two, job) is None
        assert not await sure(two.services, "alice", "lostalice")
        await sweep_all(two)
    assert await launch_of(two, job) is not None
    assert await sure(two.services, "alice", "lostalice")
    assert await sure(two.services, "bob", "lostbob")
