"""The sweep ends what nobody wants any more, and nothing else."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sampan.errors import Unavailable
from sampan_hub.sweep import sweep
from tests.sampan_hub.scripted_centre import ACCOUNT, Bench, ScriptedJob, bench


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, "east", "west") as made:
        yield made


def _job(number: str, tag: str, account: str, age: float = 0.0) -> ScriptedJob:
    return ScriptedJob(number, tag, account, submitted_at=time.time() - age)


async def _ended(two: Bench, *, known: bool = True) -> str:
    """The tag of an attempt at east that has ended; `known`: its job's number 1 was known."""
    for name in ("west",):
        two.sites[name].cores_free = 0
    await two.tick()
    launch = await two.launch()
    attempt = await two.at(launch, "running")
    assert (attempt.centre, attempt.job) == ("east", "1")
    now = two.services.now()
    await two.store.update_attempt(
        launch.id, 1, stage="ended", ended_at=now, **({} if known else {"job": None})
    )
    await two.store.update_launch(launch.id, stage="ended", ended_at=now)
    two.sites["east"].jobs.clear()
    return attempt.tag


@pytest.mark.parametrize(
    ("number", "tail", "account", "swept"),
    [
        ("1", "", ACCOUNT, True),
        ("2", "", ACCOUNT, False),
        ("1", "", "mallory", False),
        ("1", "0", ACCOUNT, False),
        ("2", "-dask-w1", ACCOUNT, True),
        ("2", "-dask-w1", "mallory", False),
        ("2", "-other", ACCOUNT, False),
    ],
)
async def test_tag_account_and_number_must_match(
    two: Bench, number: str, tail: str, account: str, swept: bool
) -> None:
    tag = await _ended(two)
    two.sites["east"].jobs[number] = _job(number, tag + tail, account)
    assert await sweep(two.services, "east") == int(swept)
    assert two.sites["east"].cancelled == ([number] if swept else [])


@pytest.mark.parametrize(("age", "swept"), [(0.0, True), (600.0, True), (3600.0, False), (-3600.0, False)])
async def test_time_of_submission_must_match(two: Bench, age: float, swept: bool) -> None:
    """Clocks may be wrong by ten minutes; a number that is given out again comes later than that."""
    tag = await _ended(two)
    two.sites["east"].jobs["1"] = _job("1", tag, ACCOUNT, age)
    assert await sweep(two.services, "east") == int(swept)


async def test_a_job_of_which_nobody_tells_when_it_came_is_left_alone(two: Bench) -> None:
    tag = await _ended(two)
    two.sites["east"].jobs["1"] = replace(_job("1", tag, ACCOUNT), submitted_at=None)
    assert await sweep(two.services, "east") == 0


async def test_a_job_whose_number_was_never_known(two: Bench) -> None:
    tag = await _ended(two, known=False)
    two.sites["east"].jobs["7"] = _job("7", tag, ACCOUNT)
    assert await sweep(two.services, "east") == 1


async def test_other_hubs_and_lost_rows_are_left_alone(two: Bench) -> None:
    await _ended(two)
    for number, tag in enumerate(
        ("sampan-other-abcdefgh1234-1", "sampan-test1-abcdefgh1234-1", "sampan-test1", "something"), 1
    ):
        two.sites["east"].jobs[str(number)] = _job(str(number), tag, ACCOUNT)
    assert await sweep(two.services, "east") == 0


async def test_the_same_tag_at_another_centre_is_not_this_attempt_s(two: Bench) -> None:
    tag = await _ended(two)
    two.sites["west"].jobs["1"] = _job("1", tag, ACCOUNT)
    assert await sweep(two.services, "west") == 0


async def test_live_attempts_and_their_workers_stay_and_a_second_job_goes(two: Bench) -> None:
    launch = await two.launch()
    attempt = await two.at(launch, "running")
    site = two.sites[attempt.centre]
    site.jobs["8"] = _job("8", f"{attempt.tag}-dask-w1", ACCOUNT)
    assert await sweep(two.services, attempt.centre) == 0
    site.jobs["9"] = _job("9", attempt.tag, ACCOUNT)
    assert await sweep(two.services, attempt.centre) == 1
    assert site.cancelled == ["9"]


async def test_no_second_job_is_guessed_while_the_first_is_not_known(two: Bench) -> None:
    launch = await two.launch()
    await two.step(launch)
    attempt = await two.last(launch)
    two.sites[attempt.centre].jobs["9"] = _job("9", attempt.tag, ACCOUNT)
    assert await sweep(two.services, attempt.centre) == 0


async def test_a_centre_that_gives_no_answer(two: Bench) -> None:
    tag = await _ended(two)
    two.sites["east"].jobs["1"] = _job("1", tag, ACCOUNT)
    two.sites["east"].trouble["find"] = Unavailable("scheduler.no_answer")
    assert await sweep(two.services, "east") == 0
    two.sites["east"].trouble = {"cancel": Unavailable("scheduler.no_answer")}
    assert await sweep(two.services, "east") == 0
    two.sites["east"].trouble = {}
    assert await sweep(two.services, "east") == 1


async def test_where_nobody_sees_all_jobs_each_person_s_are_asked_for(two: Bench) -> None:
    tag = await _ended(two)
    facts = two.services.directory.centres["east"].descriptor
    scheduler = facts.scheduler.model_copy(update={"sees_all_jobs": False})
    two.put("east", facts.model_copy(update={"scheduler": scheduler}))
    two.sites["east"].jobs["1"] = _job("1", tag, ACCOUNT)
    two.sites["east"].askers.clear()
    two.sites["east"].trouble[f"find for {ACCOUNT}"] = Unavailable("scheduler.no_answer")
    assert await sweep(two.services, "east") == 0
    two.sites["east"].trouble.clear()
    assert await sweep(two.services, "east") == 1
    assert two.sites["east"].askers == [("find", ACCOUNT), ("find", ACCOUNT), ("cancel", ACCOUNT)]
    assert await sweep(two.services, "west") == 0


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"ended_at": None}, True),
        ({"age": 1800.0, "seen": "ended"}, True),
        ({"age": 7200.0, "seen": "ended"}, False),
        ({"age": 7200.0, "seen": "unknown"}, True),
        ({"age": 7200.0, "seen": "unreachable"}, True),
        ({"age": 32 * 86400.0, "seen": "unreachable"}, False),
    ],
)
async def test_only_people_of_whom_jobs_may_live_are_asked_for(
    two: Bench, fields: dict[str, Any], asked: bool
) -> None:
    """A centre has hundreds of accounts, and one that hangs would be asked for each of them in turn."""
    attempt = await two.store.attempt_by_tag(await _ended(two))
    assert attempt is not None
    if "age" in fields:
        fields = {"seen": fields["seen"], "ended_at": two.services.now() - fields["age"]}
    await two.store.update_attempt(attempt.launch, 1, **fields)
    facts = two.services.directory.centres["east"].descriptor
    scheduler = facts.scheduler.model_copy(update={"sees_all_jobs": False})
    two.put("east", facts.model_copy(update={"scheduler": scheduler}))
    await sweep(two.services, "east")
    two.sites["east"].askers.clear()
    await sweep(two.services, "east")
    assert two.sites["east"].askers == ([("find", ACCOUNT)] if asked else [])


async def test_who_was_never_there_is_asked_for_once_since_the_start(two: Bench) -> None:
    """The database that knows nobody may be a new one."""
    facts = two.services.directory.centres["east"].descriptor
    scheduler = facts.scheduler.model_copy(update={"sees_all_jobs": False})
    two.put("east", facts.model_copy(update={"scheduler": scheduler}))
    two.sites["east"].asked.clear()
    for _ in range(3):
        assert await sweep(two.services, "east") == 0
    assert two.sites["east"].asked == ["find"]
