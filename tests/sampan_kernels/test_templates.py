"""A job's templates: there when something is claimed, replaced when they fall or are outdated, missed by nobody when they end."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from sampan_kernels import templates as module
from sampan_kernels.berth import Berth
from sampan_kernels.orders import Orders
from sampan_kernels.templates import Templates
from tests.waiting import until

KIND = "kernel"


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Templates]:
    """Of a program that takes no time to import."""
    told = {
        "SAMPAN_TAG": "t",
        "SAMPAN_NONCE": "n",
        "SAMPAN_CLIENT_KEY": "k",
        "SAMPAN_BIND": "127.0.0.1",
        "SAMPAN_ATTEMPT_DIR": str(tmp_path),
        "SAMPAN_MINUTES": "1",
        "SAMPAN_KIND": KIND,
    }
    monkeypatch.setattr(module, "PROGRAM", ("-c", "import signal; signal.pause()"))
    made = Templates(Orders.read({**os.environ, **told}, time.time()), Berth(tmp_path))
    yield made
    made.end()


@asynccontextmanager
async def kept(templates: Templates) -> AsyncIterator[asyncio.Task[None]]:
    templates.begin(KIND)
    task = asyncio.create_task(templates.keep(KIND))
    yield task
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_one_that_falls_is_replaced_three_times(templates: Templates) -> None:
    seen: set[int] = set()
    async with kept(templates) as task:
        for _ in range(module.MOST + 1):
            await until(lambda: set(templates.pids) - seen)
            [pid] = templates.pids
            seen.add(pid)
            os.kill(pid, signal.SIGKILL)
        await asyncio.wait_for(task, 60)
    assert not templates.pids
    assert not templates._berth.template(KIND).exists()


async def test_one_that_is_outdated_is_replaced_as_often_as_that_happens(
    templates: Templates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PROGRAM", ("-c", "pass"))
    before, count = templates.begin, []

    def begin(kind: str) -> None:
        count.append(kind)
        before(kind)

    monkeypatch.setattr(templates, "begin", begin)
    async with kept(templates):
        await until(lambda: len(count) > module.MOST + 2)


async def test_the_end_of_its_job_is_the_end_of_it(templates: Templates) -> None:
    async with kept(templates) as task:
        [pid] = templates.pids
        templates.end()
        await asyncio.wait_for(task, 60)
    assert not templates.pids
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_where_it_cannot_be_nothing_is(
    templates: Templates, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A kernel of the operating system that is too old, say."""

    def old(pid: int, flags: int = 0) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", old)
    templates.begin(KIND)
    assert not templates.pids
    assert "the template for a kernel is not there" in caplog.text
