from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
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
    await asyncio.sleep(0.6)
    time.sleep(1.1)  # noqa: ASYNC251 (it is what is measured)
    await asyncio.sleep(0.6)
    assert stalls.longest > 1
    assert stalls.too_long == 1
    assert "stood still for 1." in caplog.text
    assert "time.sleep(1.1)" in caplog.text, "where it stood"


async def test_a_machine_that_is_busy_is_no_stall(stalls: Stalls) -> None:
    """A dozen others that take all processors make this one late, and it has blocked nothing."""
    burn = "import time\nend = time.monotonic() + 3\nwhile time.monotonic() < end: pass"
    busy = [await asyncio.create_subprocess_exec(sys.executable, "-c", burn) for _ in range(12)]
    try:
        await asyncio.sleep(2)
        assert stalls.longest < module.TOO_LONG
    finally:
        for one in busy:
            with suppress(ProcessLookupError):
                one.kill()
            await one.wait()


STOPPED = """\
import asyncio, sys
from sampan_hub.stalls import Stalls

async def main():
    stalls = Stalls()
    measuring = asyncio.create_task(stalls.run())
    print("begun", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await asyncio.sleep(2)
    print(stalls.longest, stalls.too_long, flush=True)

asyncio.run(main())
"""


async def test_a_machine_that_stands_still_is_no_stall() -> None:
    """As one that is moved or put to sleep: nothing in it goes on, and the clock does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", STOPPED),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": "hub"},
    )
    assert process.stdout is not None
    assert process.stdin is not None
    await process.stdout.readline()
    await asyncio.sleep(0.3)
    process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(4)
    process.send_signal(signal.SIGCONT)
    process.stdin.write(b"\n")
    await process.stdin.drain()
    told, _ = await process.communicate()
    longest, too_long = told.split()
    assert float(longest) < 1
    assert int(too_long) == 0


async def test_without_the_kernel_s_figures_all_of_it_counts(
    stalls: Stalls, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "_SCHEDULER", tmp_path / "none")
    # The figures that were there before are no measure any more.
    await asyncio.sleep(1.5)
    stalls.longest = 0.0
    time.sleep(0.3)  # noqa: ASYNC251 (it is what is measured)
    await asyncio.sleep(0.2)
    assert stalls.longest > 0.2
