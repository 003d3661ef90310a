"""A launch is written anew with its family and beside its rival, and only where its place is free."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sampan.errors import Conflict
from sampan.messages import Message
from sampan.stages import Kind
from sampan_hub.papers import Papers
from sampan_hub.records import Launch
from sampan_hub.store import Store
from sampan_hub.sweep import sweep
from tests.sampan_hub.lost import launch_of, ours, sweep_all
from tests.sampan_hub.scripted_centre import Bench, ScriptedJob, bench


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, "east", "west") as made:
        yield made


async def test_a_child_waits_for_its_parent(two: Bench) -> None:
    parent = ours(two, "alice", tag="sampan-test1-parent-1")
    child = ours(two, "alice", tag="sampan-test1-child-1", kind=Kind.KERNEL, name="k", parent="parent")
    del two.sites["east"].jobs[parent.id]
    await sweep_all(two)
    assert await launch_of(two, child) is None
    two.sites["east"].jobs[parent.id] = parent
    await sweep_all(two)
    await sweep_all(two)
    found = await launch_of(two, child)
    assert (found and found.parent) == "parent"


async def test_a_rival_beside_its_holder(two: Bench) -> None:
    holder = ours(two, "alice", tag="sampan-test1-both-1")
    rival = ours(two, "alice", tag="sampan-test1-both-2", rival=True, minutes=30)
    await sweep_all(two)
    attempts = await two.store.attempts("both")
    assert [(one.job, one.rival, one.live, one.minutes) for one in attempts] == [
        (holder.id, False, True, None),
        (rival.id, True, True, 30),
    ]


async def test_a_rival_whose_holder_has_gone_is_the_holder(two: Bench) -> None:
    ours(two, "alice", tag="sampan-test1-both-2", rival=True)
    await sweep(two.services, "east")
    assert await two.store.attempts("both") == (), "west has not told yet"
    await sweep_all(two)
    await sweep_all(two)
    assert [(one.rival, one.live) for one in await two.store.attempts("both")] == [(False, True)]


async def test_two_jobs_of_one_tag(two: Bench) -> None:
    """A submission whose reply was lost, twice: the first one counts."""
    first = ours(two, "alice")
    two.sites["east"].jobs["99"] = replace(first, id="99", submitted_at=time.time() + 1)
    await sweep_all(two)
    await sweep_all(two)
    assert two.sites["east"].cancelled == ["99"]
    assert [one.job for one in await two.store.attempts("lostalice")] == [first.id]


async def test_a_place_that_is_taken_leaves_nothing_half_written(two: Bench) -> None:
    launch = await two.launch("alice")
    job = ours(two, "alice")
    papers = Papers.of(job.script, job.tag, two.services.master)
    assert papers is not None
    with pytest.raises(Conflict):
        await two.store.readmit(papers, await _found(two, job), launch.message)
    assert [one.id for one in await two.store.launches(None)] == [launch.id]
    assert await two.store.attempts("lostalice") == ()


async def _found(two: Bench, job: ScriptedJob) -> Any:
    centre = two.services.directory.centres["east"]
    return (await centre.ask(centre.scheduler.find([job.tag])))[0]


async def test_in_each_database(url: str, two: Bench) -> None:
    """Three of one launch: the second takes the first one's place, the third waits beside the second."""
    store = await Store.open(url)

    async def readmit(job: ScriptedJob) -> Launch:
        papers = Papers.of(job.script, job.tag, two.services.master)
        assert papers is not None
        return await store.readmit(papers, await _found(two, job), Message("launch.accepted"))

    for number in (1, 2, 3):
        job = ours(two, "alice", tag=f"sampan-test1-both-{number}", rival=number == 3)
        launch = await readmit(job)
        assert (launch.id, launch.owner, launch.kind) == ("both", "alice", Kind.SERVER)
        assert launch.identity_attempt == min(number, 2)
        with pytest.raises(Conflict):
            await readmit(job)
    rows = [(one.number, one.live, one.rival, one.job) for one in await store.attempts("both")]
    assert rows == [(1, False, False, "70"), (2, True, False, "71"), (3, True, True, "72")]
    with pytest.raises(Conflict):
        await readmit(ours(two, "alice", tag="sampan-test1-other-1"))
    assert len(await store.launches(None)) == 1
    await store.close()
