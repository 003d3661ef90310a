"""FAULTS 5: the broker's database was restored from an older copy. What happened since is learnt from the centres."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from sampan.messages import Message
from sampan_hub.jobs import JobState
from tests.sampan_hub.lost import age, settings, sweep_all
from tests.sampan_hub.scripted_centre import ACCOUNT, Bench, bench


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, "east", "west") as made:
        yield made


def _backup(tmp_path: Path) -> None:
    with (
        closing(sqlite3.connect(tmp_path / "broker.sqlite")) as source,
        closing(sqlite3.connect(tmp_path / "copy.sqlite")) as copy,
    ):
        source.backup(copy)


async def _copy_of(two: Bench, tmp_path: Path) -> None:
    await two.restart(tmp_path / "copy.sqlite")


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
    await sweep_all(two)
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
    settings(two, drain_after=60)
    await sweep_all(two)
    assert two.sites[second.centre].cancelled == []
    age(two, 61)
    await sweep_all(two)
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
    await sweep_all(two)
    assert await two.store.launch(later.id) is None
    assert two.services.strays.pause(attempt.centre) < 60
    await two.over(former)
    await sweep_all(two)
    assert (await two.row(later)).live
    assert two.sites[attempt.centre].cancelled == []


async def test_a_stop_that_the_copy_remembers_wins(two: Bench, tmp_path: Path) -> None:
    launch = await two.launch()
    await two.step(launch)
    await two.store.update_launch(launch.id, target="stopped")
    _backup(tmp_path)
    await two.store.update_launch(launch.id, target="ready")
    attempt = await two.at(launch, "running")
    await _copy_of(two, tmp_path)
    await two.over(launch)
    await sweep_all(two)
    assert two.sites[attempt.centre].live == []
