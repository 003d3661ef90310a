"""Every transition is counted once, and only what happened since the start of this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from sampan.errors import Unreachable
from sampan.messages import Message
from sampan.stages import Target
from sampan_hub import queries
from sampan_hub.jobs import JobState
from sampan_hub.tally import Tally
from tests.sampan_hub.scripted_centre import Bench, bench


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, "east") as made:
        yield made


class Counted:
    def __init__(self, one: Bench) -> None:
        self._store = one.store
        self._registry = CollectorRegistry()
        self._tally = Tally(self._registry)

    async def begin(self) -> None:
        await self._tally.begin(self._store)

    async def value(self, name: str, **labels: str) -> float:
        await self._tally.read(self._store)
        return self._registry.get_sample_value(f"sampan_{name}", labels) or 0.0


async def test_a_launch_from_its_request_to_its_end(one: Bench) -> None:
    counted = Counted(one)
    await counted.begin()
    launch = await one.launch()
    attempt = await one.at(launch, "running")
    assert await counted.value("launches_accepted_total") == 1
    for stage in ("placed", "submitted"):
        assert await counted.value("stage_seconds_count", stage=stage, centre="east") == 1, stage
    job = one.sites["east"].jobs[attempt.job or ""]
    job.state, job.why = JobState.ENDED, Message("ended.failed", {"code": 1})
    await one.tick()
    await one.step(launch)
    assert await counted.value("retries_total", centre="east", cause="ended.failed") == 1
    await one.store.update_launch(launch.id, target=Target.STOPPED)
    await one.over(launch)
    assert await counted.value("launches_ended_total", centre="", cause="launch.stopped") == 1
    assert await counted.value("stage_seconds_count", stage="running", centre="east") == 0, (
        "it came no further"
    )


async def test_what_was_before_is_not_counted_again(one: Bench) -> None:
    launch = await one.launch()
    await one.put_ready(launch)
    counted = Counted(one)
    await counted.begin()
    assert await counted.value("launches_accepted_total") == 0
    one.sites["east"].trouble["*"] = Unreachable("centre.unreachable", centre="east")
    for _ in range(3):
        await one.tick()
        await one.step(launch)
    assert await counted.value("silences_total", centre="east", seen="unreachable") == 1
    assert await counted.value("silences_total", centre="east", seen="unreachable") == 1, (
        "looking counts nothing"
    )


async def test_a_start_is_as_long_as_its_person_waited(one: Bench) -> None:
    launch = await one.launch()
    counted = Counted(one)
    await counted.begin()
    attempt = await one.at(launch, "running")
    await one.store.step(
        launch.id,
        attempt=attempt.number,
        attempt_fields={"stage": "ready"},
        message=Message("launch.ready", {"centre": "East"}),
        stage=attempt.stage.READY,
        seen=attempt.seen.ALIVE,
        final="ready",
    )
    assert await counted.value("start_seconds_count", centre="east") == 1
    assert await counted.value("start_seconds_sum", centre="east") >= 0


async def test_how_launches_stand(one: Bench) -> None:
    """One that was never looked at is not silent, and one without a centre is counted."""
    waits = await one.launch(name="waits")
    runs = await one.launch(name="runs")
    await one.put_ready(runs)

    async def seen() -> dict[tuple[str, str, str], int]:
        found = await one.store.rows(queries.standings())
        return {(row["stage"], row["centre"], row["seen"]): row["launches"] for row in found}

    assert await seen() == {("placed", "", "alive"): 1, ("ready", "east", "alive"): 1}
    one.sites["east"].trouble["*"] = Unreachable("centre.unreachable", centre="east")
    for _ in range(2):
        await one.tick()
        await one.step(runs)
    assert (await seen())[("ready", "east", "unreachable")] == 1
    assert waits.stage == "placed"
