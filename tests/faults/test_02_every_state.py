"""Every state that Slurm has, and one that it does not have yet: only a positive terminal answer ends a launch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sampan.messages import Message
from sampan_hub.jobs import JobState
from sampan_hub.schedulers.slurm_states import JOB_STATES
from tests.faults.broken import Broken
from tests.faults.losses import counted, counted_at_sites
from tests.federation.federation import Federation
from tests.sampan_hub.schedulers.slurm_answers import dialect, said
from tests.sampan_hub.scripted_centre import Bench, bench
from tests.ways.person import Person
from tests.ways.whole_hub import WholeHub, came

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEADING = (
    "sampan|JOBID|ARRAY_TASK_ID|PARTITION|STATE|PRIORITY|SUBMIT_TIME|START_TIME|END_TIME|EXEC_HOST|REASON\n"
)
OF_TOMORROW = ("EVAPORATED", "F", "COMPLETED+", "completed", "NODE_FAILED", "")
OVER = frozenset(
    {
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "TIMEOUT",
    }
)
"""https://slurm.schedmd.com/job_state_codes.html, written down here once more: the table is what is tested."""


@pytest_asyncio.fixture(loop_scope="session")
async def one(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, "east") as made:
        yield made


async def test_only_an_end_ends_a_launch(one: Bench, broken: Broken) -> None:
    """A launch that is ready, and squeue that shows its job in that state for as long as one asks."""
    assert set(JOB_STATES) >= OVER
    site, lasting, message = one.sites["east"], 0, Message("launch.ready")
    for number, raw in enumerate((*sorted(JOB_STATES), *OF_TOMORROW)):
        launch = await one.launch("ann", f"s{number}")
        attempt = await one.put_ready(launch)
        line = (
            f"sampan|{attempt.job}|N/A|work|{raw}|100|2026-11-25T10:00:00|2026-11-25T10:00:01|N/A|n1|None\n"
        )
        told = dialect("work").status([attempt.job or ""]).parse(said(HEADING + line)).statuses
        [state] = [status.state for status in told.values()] or [JobState.UNKNOWN]
        job = site.jobs[attempt.job or ""]
        if raw in OVER:
            assert state is JobState.ENDED
            job.state = state
            site.records[job.id] = job
            assert (await one.over(launch)).ended_at is not None, raw
            continue
        lasting += 1
        job.state = state
        for _ in range(6):
            await one.tick()
            await one.step(launch)
        row = await one.row(launch)
        assert (row.ended_at, row.target, site.cancelled) == (None, "ready", []), raw
        job.state = JobState.RUNNING
        await one.tick()
        assert await counted_at_sites(one, launch.id) == await counted_at_sites(one)
        message = row.message
        job.state = JobState.ENDED
        site.records[job.id] = job
        await one.over(launch)
    broken(
        (
            f"squeue says each of {len(JOB_STATES)} states and {len(OF_TOMORROW)} that do not exist; {len(OVER)} are ends",
            f"squeue 依次报告 {len(JOB_STATES)} 种状态和 {len(OF_TOMORROW)} 种不存在的状态；其中 {len(OVER)} 种表示结束",
        ),
        message,
        await counted_at_sites(one),
    )
    assert lasting == len(JOB_STATES) + len(OF_TOMORROW) - len(OVER)


@pytest.mark.federation
async def test_suspended_by_an_operator(real_hub: WholeHub, federation: Federation, broken: Broken) -> None:
    """A real job is paused with the server in it, and goes on where it was."""
    east = federation.centre("east")
    async with Person(real_hub, "ann") as ann:
        await ann.start(plan="light", centre="east")
        await ann.ready()
        kernel = await ann.kernel()
        await kernel.run("kept = 6 * 7")
        before = await ann.launch()
        await asyncio.to_thread(east.run, ["scontrol", "suspend", before["job"]])

        async def paused() -> dict[str, object] | None:
            launch = await ann.launch()
            return launch if launch["message"]["code"] != before["message"]["code"] else None

        try:
            during = await came(paused, 60, every=0.3)
        finally:
            await asyncio.to_thread(east.run, ["scontrol", "resume", before["job"]])
        broken.mended()
        assert (await kernel.run("print(kept)")).strip() == "42"
        seconds = broken.seconds
        assert (during["id"], during["job"], during["target"]) == (before["id"], before["job"], "ready")
        broken(
            (
                "`scontrol suspend` on a running server, then `resume`",
                "对运行中的服务器执行 `scontrol suspend`，随后 `resume`",
            ),
            during["message"],
            await counted(real_hub, [before]),
            seconds,
        )
