from __future__ import annotations

import json
import os
import pwd
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sampan.errors import Unavailable
from sampan_hub.asks import Ask, Completed
from sampan_hub.jobs import JobSpec, JobState
from sampan_hub.schedulers import Scheduler
from sampan_hub.schedulers.process import ProcessScheduler
from sampan_hub.testing.scheduler_contract import Run, SchedulerContract
from sampan_hub.transports.local import LocalTransport
from tests.sampan_kernels.a_spool import ASpool

DECLARED = ("--cores=4", "--memory-mib=1024", "--accelerator=dcu=1")


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Scheduler]:
    yield ProcessScheduler(sys.executable, str(tmp_path / "spool"), DECLARED, ("main", "long"))
    if (tmp_path / "spool").exists():
        ASpool(tmp_path).clear()


@pytest.fixture
def run() -> Run:
    transport = LocalTransport({"en": "Here", "zh": "本机"})

    async def run(ask: Ask[Any]) -> Any:
        return ask.parse(await transport.run(ask.argv, ask.stdin))

    return run


class TestProcess(SchedulerContract):
    @pytest.fixture
    def queue(self) -> str:
        return "main"

    @pytest.fixture
    def account(self) -> str:
        return pwd.getpwuid(os.getuid()).pw_name

    @pytest.fixture
    def logs(self, tmp_path: Path) -> str:
        return str(tmp_path)

    async def test_who_waits_knows_its_place(self, scheduler: Scheduler, run: Run, spec: JobSpec) -> None:
        script = "#!/bin/bash\nsleep 600\n"
        jobs = [
            await run(scheduler.submit(JobSpec(f"{spec.tag}{n}", queue, 4, 64, 5, script, f"{spec.log}{n}")))
            for n, queue in enumerate(("main", "main", "long"))
        ]
        statuses = (await run(scheduler.status(jobs))).statuses
        assert [statuses[job].ahead for job in jobs] == [None, 0, 1]
        assert [statuses[job].state for job in jobs] == [JobState.RUNNING, JobState.QUEUED, JobState.QUEUED]
        reading = await run(scheduler.capacity())
        assert reading.pending == {"main": 1, "long": 1}
        [node] = reading.nodes
        assert (node.cores_free, node.queues, node.accelerators) == (0, ("main", "long"), {"dcu": (1, 1)})


def answer(ask: Ask[Any], value: object) -> Any:
    return ask.parse(Completed(0, json.dumps(value), ""))


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("finished", "ended.finished"),
        ("memory", "ended.memory"),
        ("time", "ended.time"),
        ("cancelled", "ended.cancelled"),
        ("node", "ended.node"),
        ("something new", "ended.failed"),
    ],
)
def test_every_end_has_its_reason(scheduler: Scheduler, reason: str, code: str) -> None:
    job = {"id": "1", "state": "ended", "reason": reason, "exit_code": 3}
    status = answer(scheduler.status(["1"]), {"jobs": [job]}).statuses["1"]
    assert status.why is not None
    assert status.why.code == code


@pytest.mark.parametrize("state", ["", "REQUEUED", None, 5, "Ended"])
def test_a_state_not_known_is_unknown(scheduler: Scheduler, state: object) -> None:
    status = answer(scheduler.status(["1"]), {"jobs": [{"id": "1", "state": state}]}).statuses["1"]
    assert (status.state, status.why) == (JobState.UNKNOWN, None)


@pytest.mark.parametrize(
    ("place", "lie"),
    [
        ("declared", {"cores": -1, "memory_mib": 1}),
        ("declared", {"cores": 1 << 50, "memory_mib": 1}),
        ("declared", {"cores": 1.5, "memory_mib": 1}),
        ("declared", {"cores": float("nan"), "memory_mib": 1}),
        ("declared", {"cores": True, "memory_mib": 1}),
        ("declared", []),
        ("free", {"memory_mib": 1}),
        ("free", None),
        ("pending", {"main": -1}),
        ("pending", [1]),
    ],
)
def test_a_centre_that_lies_about_its_capacity_is_not_believed(
    scheduler: Scheduler, place: str, lie: object
) -> None:
    sound = {"cores": 4, "memory_mib": 64, "accelerators": {}}
    value = {"node": "n1", "declared": sound, "free": sound, "pending": {}}
    assert answer(scheduler.capacity(), value).nodes[0].cores_free == 4
    with pytest.raises(Unavailable):
        answer(scheduler.capacity(), {**value, place: lie})


def test_more_free_than_there_is_counts_as_all(scheduler: Scheduler) -> None:
    value = {
        "node": "n1",
        "declared": {"cores": 4, "memory_mib": 64, "accelerators": {"dcu": 1}},
        "free": {"cores": 400, "memory_mib": 6400, "accelerators": {"dcu": 100}},
        "pending": {},
    }
    [node] = answer(scheduler.capacity(), value).nodes
    assert (node.cores_free, node.memory_mib_free, node.accelerators) == (4, 64, {"dcu": (1, 1)})


@pytest.mark.parametrize("when", [-1, 1e30, float("nan"), float("inf"), "2026-01-01", True, None])
def test_a_time_that_is_none(scheduler: Scheduler, when: object) -> None:
    job = {"id": "1", "state": "running", "started_at": when}
    assert answer(scheduler.status(["1"]), {"jobs": [job]}).statuses["1"].started_at is None
