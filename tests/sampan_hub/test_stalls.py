from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sampan_hub import stalls as module
from sampan_hub.stalls import Stalls


@pytest.fixture
async def stalls() -> AsyncIterator[Stalls]:
    measuring = Stalls()
    task = asyncio.create_task(measuring.run())
    await asyncio.sleep(0.2)
    yield measuring
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_blocking_call_is_measured_and_logged(
    stalls: Stalls, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TOO_LONG", 0.4)
    assert stalls.longest < 0.4
    time.sleep(0.6)  # noqa: ASYNC251 (it is what is measured)
    await asyncio.sleep(0.1)
    assert stalls.longest > 0.5
    assert stalls.too_long == 1
    assert "stood still for 0." in caplog.text
    assert "time.sleep(0.6)" in caplog.text, "where it stood"


async def test_a_machine_that_is_busy_is_no_stall(stalls: Stalls) -> None:
    """A dozen others that take all processors make this one late, and it has blocked nothing."""
    burn = "import time\nend = time.monotonic() + 3\nwhile time.monotonic() < end: pass"
    busy = [await asyncio.create_subprocess_exec(sys.executable, "-c", burn) for _ in range(12)]
    try:
        await asyncio.sleep(2)
        assert stalls.longest < 0.4
    finally:
        for one in busy:
            one.kill()
            await one.wait()


async def test_without_the_kernel_s_figures_all_of_it_counts(
    stalls: Stalls, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "_SCHEDULER", tmp_path / "none")
    await asyncio.sleep(0.1)
    time.sleep(0.3)  # noqa: ASYNC251 (it is what is measured)
    await asyncio.sleep(0.1)
    assert stalls.longest > 0.2
