"""A new broker, and servers that were started before it: they are kept."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from sampan_hub import greeting, report
from tests.faults.broken import Broken
from tests.faults.losses import counted, counted_at_sites
from tests.sampan_hub.scripted_centre import Bench, bench
from tests.sampan_hub.steps.a_launcher import a_launcher
from tests.ways.person import Person
from tests.ways.whole_hub import WholeHub, came

pytestmark = pytest.mark.asyncio(loop_scope="session")

OLD: Final = (
    "from sampan_kernels import report; report.PROTOCOL, report.SPEAKS = 1, (1,);"
    "import runpy; runpy.run_module('sampan_kernels.launcher', run_name='__main__', alter_sys=True)"
)
"""A launcher that speaks what the first version spoke."""
DOWN: Final = """
ALTER TABLE launches DROP COLUMN crowd;
DROP INDEX uq_attempts_live;
ALTER TABLE attempts DROP COLUMN rival;
ALTER TABLE attempts DROP COLUMN minutes;
CREATE UNIQUE INDEX uq_attempts_live ON attempts (launch) WHERE ended_at IS NULL;
DROP TABLE providers;
DROP TABLE pictures;
DROP TABLE checks;
DROP TABLE uses;
DROP TABLE revisions;
DROP TABLE entries;
UPDATE alembic_version SET version_num = '0002';
"""
"""The tables as the version before wrote them."""


async def test_servers_of_before_are_kept(hub: WholeHub, broken: Broken) -> None:
    """An old launcher with a server in it, an old database: a new broker takes both over."""
    offers = await hub.ask("POST", "/place", "ann", json={"options": {"plan": "light"}})
    centre = offers["ranked"][0]["centre"]
    before = hub.descriptor(centre)
    try:
        await hub.another_python(centre, "of-before", f'exec {{real}} -P -c "{OLD}"')
        async with Person(hub, "ann") as ann:
            await ann.start(plan="light", centre=centre)
            await ann.ready()
            kernel = await ann.kernel()
            await kernel.run("kept = 6 * 7")
            launch = await ann.launch()
            pid = hub.pid("broker")
            os.kill(pid, signal.SIGSTOP)
            with closing(sqlite3.connect(hub.state / "broker.sqlite")) as database:
                database.executescript(DOWN)
            os.kill(pid, signal.SIGKILL)
            broken.mended()
            await hub.restarted("broker", pid)
            await came(hub.answers, 60)
            assert (await kernel.run("print(kept)")).strip() == "42"
            seconds = broken.seconds
            after = await ann.launch()
            assert (after["id"], after["job"], after["stage"]) == (launch["id"], launch["job"], "ready")
            broken(
                (
                    "A new broker over a server and a database of the version before",
                    "新版调度代理接管旧版的服务器与数据库",
                ),
                after["message"],
                await counted(hub, [launch]),
                seconds,
            )
    finally:
        hub.describe(centre, environment=before["environment"])


@pytest_asyncio.fixture(loop_scope="session")
async def one(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, "east") as made:
        yield made


async def test_too_old_to_be_understood_is_not_dropped(
    one: Bench, broken: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new broker speaks nothing that the launcher does: the server cannot be shown, and its job goes on."""
    launch = await one.launch()
    attempt = await one.at(launch, "running")
    async with a_launcher(one, launch, attempt):
        await one.at(launch, "reachable")
        now = one.services.now()
        await one.store.update_attempt(launch.id, 1, stage="ready", stage_at=now, ready_at=now)
        await one.store.update_launch(launch.id, stage="ready", identity_attempt=1)
        later = frozenset({98, 99})
        monkeypatch.setattr(report, "PROTOCOLS", later)
        monkeypatch.setattr(greeting, "PROTOCOLS", later)
        await one.services.links[launch.id].close()
        for _ in range(8):
            await one.step(launch)
            await one.tick()
        last, row = await one.last(launch), await one.row(launch)
        assert (last.stage, last.number, last.cancel_requested_at, row.ended_at) == ("ready", 1, None, None)
        assert one.sites["east"].cancelled == []
        losses = await counted_at_sites(one, launch.id)
    broken(
        (
            "A new broker that does not speak the old launcher's protocol",
            "新版调度代理不再使用旧启动器的协议",
        ),
        row.message,
        losses,
    )
