"""What is known of jobs: who is asked for whom, what the records add, and when a job is given up for lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from sampan.errors import Unavailable, Unreachable
from sampan.messages import Message
from sampan.stages import Seen
from sampan_hub import job_watch
from sampan_hub.jobs import JobState
from sampan_hub.watch import Watch
from tests.sampan_hub.scripted_centre import Bench, ScriptedJob, bench
from tests.waiting import until


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, "east") as made:
        yield made


def _watch(one: Bench, *, sees_all_jobs: bool = True) -> Watch:
    """A new watch of east, with jobs 1 (of ann) and 2 (of ben) running there."""
    site = one.sites["east"]
    site.jobs = {
        number: ScriptedJob(number, f"sampan-test1-job{number}-1", account)
        for number, account in (("1", "ann"), ("2", "ben"))
    }
    facts = one.services.directory.centres["east"].descriptor
    scheduler = facts.scheduler.model_copy(update={"sees_all_jobs": sees_all_jobs})
    one.put("east", facts.model_copy(update={"scheduler": scheduler}))
    return one.services.watches["east"]


async def test_the_records_are_asked_for_what_is_not_told_any_more(one: Bench) -> None:
    watch, site = _watch(one), one.sites["east"]
    watch.follow("1", "ann", busy=True)
    await watch.look()
    site.forgotten.add("1")
    site.records["1"] = ScriptedJob("1", "t", "ann", JobState.ENDED, why=Message("ended.memory"))
    await watch.look()
    assert (watch.statuses["1"].state, watch.statuses["1"].why) == (JobState.ENDED, Message("ended.memory"))
    assert watch.jobs.absent == {}


async def test_records_that_say_it_runs_while_the_scheduler_knows_nothing_of_it(one: Bench) -> None:
    watch, site = _watch(one), one.sites["east"]
    watch.follow("1", "ann", busy=False)
    site.forgotten.add("1")
    site.records["1"] = ScriptedJob("1", "t", "ann", JobState.RUNNING)
    for _ in range(5):
        await watch.look()
    assert watch.statuses["1"].state is JobState.UNKNOWN
    assert not watch.jobs.gone("1")


async def test_records_that_give_no_answer_end_nothing(one: Bench) -> None:
    watch, site = _watch(one), one.sites["east"]
    watch.follow("1", "ann", busy=False)
    site.forgotten.add("1")
    site.trouble["ended"] = Unavailable("scheduler.no_answer")
    for _ in range(5):
        await watch.look()
    assert watch.statuses["1"].state is JobState.UNKNOWN
    assert not watch.jobs.gone("1")
    assert watch.seen is Seen.ALIVE, "the past is not the centre"
    site.trouble.clear()
    for _ in range(3):
        assert not watch.jobs.gone("1")
        await watch.look()
    assert watch.jobs.gone("1"), "both answered, three times, and neither knows it"


HIDDEN = {"status", "ended", "find", "recall"}
"""With PrivateData=jobs, in slurm.conf and in slurmdbd.conf."""


async def _looks(watch: Watch, number: int) -> None:
    for _ in range(number):
        await watch.look()


@pytest.mark.parametrize("hidden", [HIDDEN, {"status", "find"}], ids=["all", "queue alone"])
async def test_a_service_account_that_sees_nothing_any_more_ends_nothing(
    one: Bench, hidden: set[str]
) -> None:
    """PrivateData=jobs was switched on: a person always sees their own jobs, and is asked before one counts as lost."""
    watch, site = _watch(one), one.sites["east"]
    for number, account in (("1", "ann"), ("2", "ben")):
        watch.follow(number, account, busy=False)
        site.records[number] = ScriptedJob(number, "t", account)
    await watch.look()
    site.private = set(hidden)
    if "ended" in hidden:
        site.records.clear()
    await _looks(watch, 10)
    assert not any(watch.jobs.gone(job) for job in ("1", "2"))
    assert {job: status.state for job, status in watch.statuses.items()} == {
        "1": JobState.RUNNING,
        "2": JobState.RUNNING,
    }
    assert (watch.jobs.seen("ann"), watch.jobs.seen("ben")) == (Seen.ALIVE, Seen.ALIVE)
    # From here on each asks for their own, and a true end is still told.
    site.forgotten.add("1")
    await _looks(watch, 1)
    site.records["1"] = ScriptedJob("1", "t", "ann", JobState.ENDED, why=Message("ended.memory"))
    site.jobs.pop("2")
    site.records.pop("2", None)
    watch.jobs._asked.clear()
    await _looks(watch, 5)
    assert watch.statuses["1"].why == Message("ended.memory")
    assert watch.jobs.gone("2"), "its own person does not know it, either"


async def test_it_is_asked_again_whether_the_service_account_sees_everybody_s(
    one: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, site, centre = _watch(one), one.sites["east"], one.services.directory.centres["east"]
    site.tells_waiting = True
    site.jobs["3"] = ScriptedJob("3", "t", "ann", JobState.QUEUED)
    site.private = set(HIDDEN)
    watch.follow("1", "ann", busy=True)
    watch.follow("2", "ben", busy=True)
    await _looks(watch, 5)
    assert centre.asker("ann") == "ann"
    assert watch.jobs.waiting == {"main": 1}
    site.private.clear()
    monkeypatch.setattr(centre, "_blind_until", 0.0)
    site.askers.clear()
    await _looks(watch, 2)
    assert (centre.asker("ann"), site.askers, watch.jobs.waiting) == (None, [], {"main": 1})


async def test_a_person_is_asked_once_and_only_about_what_nobody_tells_of(one: Bench) -> None:
    watch, site, centre = _watch(one), one.sites["east"], one.services.directory.centres["east"]
    for number, account in (("1", "ann"), ("2", "ben")):
        watch.follow(number, account, busy=True)
    site.forgotten.add("1")
    await _looks(watch, 2)
    assert site.askers == []
    await _looks(watch, 4)
    assert site.askers == [("status", "ann"), ("ended", "ann")]
    assert watch.jobs.gone("1")
    assert centre.asked["status"] == 6 + 1


async def test_a_person_who_cannot_be_asked_has_lost_nothing(one: Bench) -> None:
    watch, site = _watch(one), one.sites["east"]
    watch.follow("1", "ann", busy=False)
    site.forgotten.add("1")
    site.trouble["ended for ann"] = Unreachable("link.cut")
    for _ in range(8):
        await watch.look()
        assert not watch.jobs.gone("1")
    assert watch.jobs.trouble("ann") is None, "the centre answers"
    site.trouble.clear()
    await _looks(watch, 3)
    assert watch.jobs.gone("1")


async def test_what_the_records_alone_know_is_not_asked_about_at_every_look(one: Bench) -> None:
    """A runaway job: over for the scheduler, running for its records."""
    watch, site = _watch(one), one.sites["east"]
    watch.follow("1", "ann", busy=False)
    site.forgotten.add("1")
    site.records["1"] = ScriptedJob("1", "t", "ann", JobState.RUNNING)
    await _looks(watch, 12)
    assert site.askers == [("status", "ann"), ("ended", "ann")]
    assert watch.statuses["1"].state is JobState.UNKNOWN


async def test_how_it_ended_is_waited_for_but_not_for_ever(
    one: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, site = _watch(one), one.sites["east"]
    site.vague = True
    for number, account in (("1", "ann"), ("2", "ben")):
        watch.follow(number, account, busy=False)
        site.jobs[number].state, site.jobs[number].why = JobState.ENDED, Message("ended.finished")
    await watch.look()
    assert watch.statuses == {}, "the records are a little late"
    assert watch.jobs.over("1"), "for whoever wants to know only that"
    site.records["1"] = ScriptedJob("1", "t", "ann", JobState.ENDED, why=Message("ended.memory"))
    await watch.look()
    assert (watch.statuses["1"].why, "2" in watch.statuses) == (Message("ended.memory"), False)
    monkeypatch.setattr(job_watch, "LATE", 0.0)
    await watch.look()
    assert watch.statuses["2"].why == Message("ended.finished"), "the scheduler's own word is evidence enough"


async def test_one_question_to_the_records_for_all_that_are_missing(one: Bench) -> None:
    watch, site, centre = _watch(one), one.sites["east"], one.services.directory.centres["east"]
    for number, account in (("1", "ann"), ("2", "ben")):
        watch.follow(number, account, busy=True)
        site.forgotten.add(number)
    await watch.look()
    assert (centre.asked["status"], centre.asked["ended"]) == (1, 1)


async def test_where_nobody_sees_all_jobs_each_person_asks_once(one: Bench) -> None:
    watch, site = _watch(one, sees_all_jobs=False), one.sites["east"]
    site.tells_waiting = True
    site.jobs["3"] = ScriptedJob("3", "t", "ann", JobState.QUEUED)
    await watch.look()
    assert site.askers == [], "nobody is followed"
    for number, account in (("1", "ann"), ("2", "ben"), ("3", "ann")):
        watch.follow(number, account, busy=True)
    await watch.look()
    assert sorted(site.askers) == [("status", "ann"), ("status", "ben")]
    assert {job: status.state for job, status in watch.statuses.items()} == {
        "1": JobState.RUNNING,
        "2": JobState.RUNNING,
        "3": JobState.QUEUED,
    }
    assert watch.jobs.waiting == {"main": 1}


async def test_who_is_ready_is_asked_for_less_often(one: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, site = _watch(one, sees_all_jobs=False), one.sites["east"]
    watch.follow("1", "ann", busy=True)
    watch.follow("2", "ben", busy=False)
    for _ in range(3):
        await watch.look()
    assert sorted(account for _, account in site.askers) == ["ann", "ann", "ann", "ben"]
    monkeypatch.setattr(watch.jobs, "_idle", 0.0)
    await watch.look()
    assert sorted(account for _, account in site.askers[-2:]) == ["ann", "ben"]


async def test_in_a_crowd_everybody_has_a_turn(one: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_watch, "PEOPLE", 4)
    watch, site = _watch(one, sees_all_jobs=False), one.sites["east"]
    people = [f"p{number:02}" for number in range(10)]
    for number, account in enumerate(people, 10):
        site.jobs[str(number)] = ScriptedJob(str(number), "t", account)
        watch.follow(str(number), account, busy=True)
    for _ in range(5):
        await watch.look()
    asked = [account for _, account in site.askers]
    assert len(asked) == 20
    assert {account: asked.count(account) for account in people} == dict.fromkeys(people, 2)


async def test_one_person_s_trouble_is_not_another_s_nor_the_centre_s(one: Bench) -> None:
    watch, site = _watch(one, sees_all_jobs=False), one.sites["east"]
    await watch.tick()
    site.trouble["status for ann"] = Unreachable("centre.unreachable", centre="east")
    for number, account in (("1", "ann"), ("2", "ben")):
        watch.follow(number, account, busy=True)
    await watch.tick()
    assert (watch.jobs.seen("ann"), watch.jobs.seen("ben")) == (Seen.UNREACHABLE, Seen.ALIVE)
    assert watch.seen is Seen.ALIVE
    assert watch.fresh() is not None
    watch.forget("1")
    assert watch.jobs.trouble("ann") is None, "nobody wants to know any more"


async def test_a_record_of_another_job_with_the_same_number_ends_nothing(one: Bench) -> None:
    """A cluster that was installed anew counts from one again, while its records reach back for years."""
    watch, site = _watch(one), one.sites["east"]
    site.jobs["1"].submitted_at = 1_700_000_000.0
    watch.follow("1", "ann", busy=False)
    await watch.look()
    site.forgotten.add("1")
    old = ScriptedJob("1", "t", "ann", JobState.ENDED, why=Message("ended.finished"))
    states = []
    for submitted_at in (1_600_000_000.0, 1_700_000_001.0):
        site.records["1"] = replace(old, submitted_at=submitted_at)
        await watch.look()
        states.append(watch.statuses["1"].state)
    assert states == [JobState.RUNNING, JobState.ENDED]


async def test_records_that_hang_hold_up_nobody(one: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_watch, "_PATIENCE", 0.05)
    watch, site, centre = _watch(one), one.sites["east"], one.services.directory.centres["east"]
    for number, account in (("1", "ann"), ("2", "ben")):
        watch.follow(number, account, busy=True)
    site.forgotten.add("1")
    site.hangs.add("ended")
    for _ in range(4):
        await watch.look(deadline=0.5)
    assert (centre.asked["status"], centre.asked["ended"]) == (4, 1), "asked once while that is under way"
    assert watch.statuses["2"].state is JobState.RUNNING
    assert not watch.jobs.over("1")
    await until(lambda: "1" in watch.statuses)
    assert watch.statuses["1"].state is JobState.UNKNOWN
