"""What runs in a job is started again where it was killed, a few times and not for ever; not where somebody ended it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sampan_kernels import charge as charges
from sampan_kernels.charge import Charge
from sampan_kernels.kinds import Recipe, _listened_on
from sampan_kernels.orders import Orders
from tests.waiting import until

SERVER = """
import os, signal, socket, sys, time
place = sys.argv[1]
if os.path.exists(place): os.unlink(place)
listening = socket.socket(socket.AF_UNIX)
listening.bind(place)
listening.listen()
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
time.sleep(60)
"""


class Job:
    """A charge, what it told, and the exit status that it ended its job with."""

    def __init__(self, folder: Path, **recipe: Any) -> None:
        self.place = folder / "server.sock"
        self.told: list[dict[str, Any]] = []
        self.exit: list[int] = []
        environment = {
            "SAMPAN_TAG": "t",
            "SAMPAN_NONCE": "n",
            "SAMPAN_CLIENT_KEY": "k",
            "SAMPAN_BIND": "127.0.0.1",
            "SAMPAN_ATTEMPT_DIR": str(folder),
            "SAMPAN_MINUTES": "1",
        }
        orders = Orders.read(environment, time.time())
        # No template is there.
        self.charge = Charge(orders, folder.joinpath, self.told.append, self.exit.append)
        argv = (sys.executable, "-c", SERVER, str(self.place))
        self.recipe = Recipe(
            "server", argv, dict(os.environ), partial(_listened_on, self.place), **{"resumes": True, **recipe}
        )

    def said(self, event: str) -> int:
        return sum(one["event"] == event for one in self.told)

    async def kill(self) -> int:
        """Of a process that answers; its number."""
        await until(lambda: self.charge.ready)
        assert self.charge.child is not None
        self.charge.child.signal("KILL")
        return self.charge.child.process.pid


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charges, "AGAIN", (0.0, 0.0))


async def test_one_that_was_killed_is_started_again_as_it_was(tmp_path: Path) -> None:
    job = Job(tmp_path)
    await job.charge.begin(job.recipe)
    first = await job.kill()
    await until(lambda: job.charge.ready and job.said("ready") == 2)
    assert job.charge.child is not None
    assert job.charge.child.process.pid != first
    assert job.charge.child.recipe is job.recipe
    assert job.told[:2] == [{"event": "ready"}, {"event": "again", "code": -signal.SIGKILL}]
    assert job.exit == []
    await job.charge.end()
    await job.charge.close()


async def test_a_few_times_and_then_its_job_ends_as_it_did(tmp_path: Path) -> None:
    job = Job(tmp_path)
    await job.charge.begin(job.recipe)
    for number in range(3):
        await until(lambda: job.said("ready") == number + 1)  # noqa: B023 (awaited at once)
        await job.kill()
    await until(lambda: bool(job.exit))
    assert (job.said("again"), job.said("exit"), job.exit) == (2, 1, [128 + signal.SIGKILL])
    await job.charge.close()


async def test_what_happened_long_ago_counts_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charges, "FORGOTTEN", 0.0)
    job = Job(tmp_path)
    await job.charge.begin(job.recipe)
    for number in range(4):
        await until(lambda: job.said("ready") == number + 1)  # noqa: B023 (awaited at once)
        await job.kill()
    await until(lambda: job.said("ready") == 5)
    assert job.exit == []
    await job.charge.end()
    await job.charge.close()


@pytest.mark.parametrize("how", ["a person shuts it down", "its job ends", "it never answered", "a kernel"])
async def test_not_where_that_is_nobodys_wish(tmp_path: Path, how: str) -> None:
    job, never = Job(tmp_path, resumes=how != "a kernel"), how == "it never answered"
    broken = replace(job.recipe, argv=(sys.executable, "-c", "raise SystemExit(3)"))
    await job.charge.begin(broken if never else job.recipe)
    if not never:
        await until(lambda: job.charge.ready)
    if how == "a person shuts it down":
        assert job.charge.child is not None
        job.charge.child.signal("TERM")
    elif how == "its job ends":
        await job.charge.end()
    elif how == "a kernel":
        await job.kill()
    await until(lambda: job.said("exit") == 1)
    await asyncio.sleep(0.1)
    assert job.said("again") == 0
    assert len(job.exit) == 1
    await job.charge.close()
