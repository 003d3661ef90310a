"""A real launcher of an attempt at a scripted centre."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from sampan_hub.records import Attempt, Launch
from tests.launched import ROOT
from tests.sampan_hub.scripted_centre import Bench
from tests.waiting import until

__all__ = ["a_launcher", "folder"]


def folder(bench: Bench, launch: Launch, attempt: Attempt) -> Path:
    return Path(bench.services.attempt_dir(launch, attempt))


@asynccontextmanager
async def a_launcher(
    bench: Bench, launch: Launch, attempt: Attempt, argv: Sequence[str] = ("-m", "sampan_kernels.launcher")
) -> AsyncIterator[Path]:
    """A real launcher of this attempt on this machine; the scheduler says that the job runs here."""
    place = folder(bench, launch, attempt)
    bench.sites[attempt.centre].jobs[attempt.job or ""].nodes = (os.uname().nodename,)
    await bench.tick()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(str(ROOT / place) for place in ("hub", "kernels", "extensions")),
        "HOME": str(place),
        "SAMPAN_TAG": attempt.tag,
        "SAMPAN_NONCE": bench.services.master.nonce(attempt.tag),
        "SAMPAN_CLIENT_KEY": bench.services.master.public_text(attempt.tag),
        "SAMPAN_BIND": "127.0.0.1",
        "SAMPAN_ATTEMPT_DIR": str(place),
        "SAMPAN_MINUTES": "10",
        "SAMPAN_CENTRE": attempt.centre,
        "SAMPAN_SHARE": "main",
        "SAMPAN_CORES": "1",
        "SAMPAN_MEMORY_MIB": "1024",
        "SAMPAN_LAUNCH": launch.id,
        "SAMPAN_SCHEDULER": "process",
    }
    with (place / "job.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *argv),
            cwd=place,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        await until(lambda: (place / "report.json").exists() or process.returncode is not None)
        assert process.returncode is None, (place / "job.log").read_text()
        yield place
    finally:
        for link in list(bench.services.links.values()):
            await link.close()
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(20):
            await process.wait()
