"""The dialect of Slurm against real clusters: one where the service account sees all jobs, one where nobody does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from sampan_hub.asks import Ask
from sampan_hub.jobs import JobSpec
from sampan_hub.schedulers import Scheduler
from sampan_hub.schedulers.slurm import SlurmScheduler
from sampan_hub.testing.scheduler_contract import SOON, Run, SchedulerContract
from tests.federation.at_login import AtLogin, described
from tests.federation.centre import Centre
from tests.federation.federation import Federation
from tests.ways.whole_hub import came

pytestmark = pytest.mark.federation

AS_A_PERSON = ("submit", "cancel", "script", "script", "limits", "expected_start", "log")


class _Real(SchedulerContract):
    """Commands run at the login node; as the service account where that may see the jobs, else as the person."""

    name: str

    @pytest.fixture
    def centre(self, federation: Federation) -> Iterator[Centre]:
        centre = federation.centre(self.name)
        centre.end_all_jobs()
        yield centre
        centre.end_all_jobs()

    @pytest.fixture
    def scheduler(self, centre: Centre) -> Scheduler:
        return SlurmScheduler.of(described(centre))

    @pytest.fixture
    def run(self, centre: Centre) -> Run:
        transport, sees_all = AtLogin(centre), centre.shape.sees_all_jobs

        async def run(ask: Ask[Any]) -> Any:
            person = ask.verb in AS_A_PERSON or not sees_all
            account = centre.account("alice") if person else None
            return ask.parse(await transport.run(ask.argv, ask.stdin, account=account))

        return run

    @pytest.fixture
    def queue(self, centre: Centre) -> str:
        return centre.shape.queues[0].name

    @pytest.fixture
    def account(self, centre: Centre) -> str:
        return centre.account("alice")

    @pytest.fixture
    def logs(self, account: str) -> str:
        return f"/home/{account}"

    async def test_one_element_of_an_array_is_ended_alone(
        self, scheduler: Scheduler, run: Run, spec: JobSpec
    ) -> None:
        """As `adapt` ends single workers: one that runs, and one that waits beside others. The whole is found as one job."""
        many = replace(spec, cores=3, script="#!/bin/bash\nexec sleep 600\n", array=tuple(range(7)))
        job = await run(scheduler.submit(replace(many, log=spec.log.replace(".log", "-%a.log"))))

        async def stand(*states: str) -> set[str]:
            argv = ("squeue", "--all", "--noheader", "--array", f"--name={spec.tag}", "--format=%K")
            read = Ask("find", (*argv, f"--states={','.join(states)}"), lambda done: set(done.stdout.split()))
            found: set[str] = await run(read)
            return found

        async def left(elements: set[str]) -> bool:
            return await stand("RUNNING", "PENDING") == elements

        async def four_run() -> bool:
            return len(await stand("RUNNING")) == 4

        # On each of two nodes of eight cores two elements fit.
        await came(four_run, SOON)
        first, last = min(await stand("RUNNING")), max(await stand("PENDING"))
        for element in (first, last):
            await run(scheduler.cancel(f"{job}_{element}", spec.tag))
        await came(lambda: left(set(map(str, range(7))) - {first, last}), SOON)
        assert [(one.id, one.tag) for one in await run(scheduler.find([]))] == [(job, spec.tag)]
        await run(scheduler.cancel(job, spec.tag))
        await came(lambda: left(set()), SOON)


class TestEast(_Real):
    name = "east"


class TestCore(_Real):
    name = "core"

    @pytest.fixture
    def spec(self, queue: str, logs: str) -> JobSpec:
        return replace(self.a_spec(queue, logs), accelerator="dcu", accelerators=1)
