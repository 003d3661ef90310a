"""A centre takes the job and fails it: the next centre, one continuous progress, the reason kept with the log's end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sampan.errors import Unavailable
from sampan.messages import Message
from sampan.need import Need
from sampan_hub.jobs import JobState
from tests.faults.broken import Broken
from tests.faults.losses import counted, counted_at_sites
from tests.sampan_hub.scripted_centre import Bench, bench
from tests.ways.person import Person
from tests.ways.whole_hub import WholeHub

pytestmark = pytest.mark.asyncio(loop_scope="session")

FAILURES: dict[str, tuple[Message, tuple[str, str]]] = {
    "node": (Message("ended.node"), ("The node dies under the job.", "作业所在节点宕机。")),
    "script": (
        Message("ended.failed", {"code": 127}),
        ("The start script is missing there.", "该中心缺少启动脚本。"),
    ),
    "launch": (
        Message("ended.not_launched"),
        ("The node cannot write the job's files.", "节点无法写入作业文件。"),
    ),
}


@pytest_asyncio.fixture(loop_scope="session")
async def two(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, "east", "west") as made:
        yield made


async def test_the_environment_is_gone(hub: WholeHub, broken: Broken) -> None:
    """A real job that finds no Python, with what it said in its log."""
    offers = await hub.ask("POST", "/place", "vera", json={"options": {"plan": "light"}})
    first_choice = offers["ranked"][0]["centre"]
    before = hub.descriptor(first_choice)
    await hub.another_python(first_choice, "no-python", 'echo "no such environment" >&2; exit 127')
    try:
        async with Person(hub, "vera") as vera:
            await vera.start(plan="light")
            launch = await vera.at("ready")
            failed, second = launch["attempts"]
            assert (failed["centre"], failed["cause"]["code"]) == (first_choice, "ended.failed")
            assert second["centre"] == launch["centre"] != first_choice
            lost = await counted(hub, [launch])
            done = ("The software environment has gone when the job starts.", "作业启动时软件环境已不存在。")
            broken(done, launch["message"], lost, 0)
    finally:
        hub.describe(first_choice, environment=before["environment"])


@pytest.mark.parametrize("how", FAILURES)
async def test_the_job_fails(two: Bench, broken: Broken, how: str) -> None:
    why, done = FAILURES[how]
    launch = await two.launch("ann")
    attempt = await two.at(launch, "running")
    log = Path(two.services.attempt_dir(launch, attempt)) / "job.log"
    log.write_text("what the job said last\n")
    job = two.sites[attempt.centre].jobs[attempt.job or ""]
    job.state, job.why = JobState.ENDED, why
    await two.tick()
    again = await two.at(launch, "running", number=2)
    first = (await two.store.attempts(launch.id))[0]
    assert again.centre != first.centre
    assert (first.cause, first.tail) == (why, "what the job said last\n")
    await _continuous(two, launch.id)
    broken(done, await _said(two, launch.id, "launch.next"), await counted_at_sites(two, launch.id), 0)


async def test_the_disk_is_full(two: Bench, broken: Broken) -> None:
    """The folder of the job cannot be made: nothing was submitted, and the next centre is asked."""
    offer = two.sites["east"]
    offer.trouble["mkdir"] = Unavailable("centre.file")
    launch = await two.launch("ann", need=Need(cores=1))
    attempt = await two.at(launch, "running", number=2)
    first = (await two.store.attempts(launch.id))[0]
    assert first.cause is not None
    assert (first.centre, first.cause.code, attempt.centre) == ("east", "ended.refused", "west")
    assert offer.jobs == {}
    await _continuous(two, launch.id)
    done = ("The person's disk there is full.", "用户在该中心的磁盘已满。")
    broken(done, await _said(two, launch.id, "launch.next"), await counted_at_sites(two, launch.id), 0)


async def _continuous(two: Bench, launch: str) -> None:
    progress = [step.progress for step in await two.store.transitions(launch)]
    assert progress == sorted(progress)


async def _said(two: Bench, launch: str, code: str) -> Any:
    return next(step.message for step in await two.store.transitions(launch) if step.message.code == code)
