"""How much a scheduler is asked, at most: the figures that operators are told in docs/explanation/batch-systems.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sampan_hub import job_watch
from tests.sampan_hub.scripted_centre import Bench, ScriptedJob, bench


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, "east") as made:
        yield made


async def test_how_many_questions_a_tick_where_each_person_asks(one: Bench) -> None:
    """As the documentation says: one for each of sixteen people; as many again to the records, and twice that for what is lost."""
    site, facts = one.sites["east"], one.services.directory.centres["east"].descriptor
    scheduler = facts.scheduler.model_copy(update={"sees_all_jobs": False})
    one.put("east", facts.model_copy(update={"scheduler": scheduler}))
    watch, most = one.services.watches["east"], job_watch.PEOPLE
    centre = watch.centre

    async def tick() -> Counter[str]:
        before = centre.asked.copy()
        await watch.tick()
        return centre.asked - before

    for number in range(10, 50):
        site.jobs[str(number)] = ScriptedJob(str(number), "t", f"p{number}")
        watch.follow(str(number), f"p{number}", busy=True)
    assert await tick() == {"capacity": 1, "status": most}
    site.forgotten = set(site.jobs)
    ticks = [await tick() for _ in range(12)]
    assert all(asks["capacity"] == 1 and asks["status"] <= 2 * most >= asks["ended"] for asks in ticks)
    assert max(asks["ended"] for asks in ticks) > most
    site.forgotten = set()
    for number in range(10, 50):
        watch.follow(str(number), f"p{number}", busy=False)
    for _ in range(6):
        await watch.tick()
    assert await tick() == {"capacity": 1}, "of who is ready each ten seconds"
