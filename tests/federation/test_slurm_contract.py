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
from sampan_hub.testing.scheduler_contract import Run, SchedulerContract
from tests.federation.at_login import AtLogin, described
from tests.federation.centre import Centre
from tests.federation.federation import Federation

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


class TestEast(_Real):
    name = "east"


class TestCore(_Real):
    name = "core"

    @pytest.fixture
    def spec(self, queue: str, logs: str) -> JobSpec:
        return replace(self.a_spec(queue, logs), accelerator="dcu", accelerators=1)
