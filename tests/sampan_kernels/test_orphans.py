"""Orphans of a job are its launcher's: none is left behind, none stays unburied, nobody else's is touched."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.waiting import wait_until

STRAY = "import subprocess; subprocess.run(['setsid', '--fork', 'sleep', '3611'])"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(3613)"
SCENE = """
import asyncio, subprocess, sys
from sampan_kernels import orphans

async def main():
    orphans.adopt()
    subprocess.run([sys.executable, "-c", {stray!r}])
    stubborn = subprocess.Popen([sys.executable, "-c", {stubborn!r}], stdout=subprocess.PIPE)
    stubborn.stdout.readline()
    await orphans.end()
    print("ended", flush=True)

asyncio.run(main())
"""
BURIAL = """
import asyncio, os, subprocess, sys
from sampan_kernels import orphans, procfs

async def main():
    orphans._EVERY = 0.1
    orphans.adopt()
    child = await asyncio.create_subprocess_exec("sh", "-c", "setsid --fork true; sleep 0.3; exit 7")
    burying = asyncio.create_task(orphans.bury(lambda: {child.pid}))
    print(await child.wait())
    await asyncio.sleep(0.5)
    burying.cancel()
    print(procfs.dead_below(os.getpid()))

asyncio.run(main())
"""


def _sleeping(seconds: str) -> bool:
    return any(
        seconds.encode() in (folder / "cmdline").read_bytes()
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and (folder / "cmdline").exists()
    )


def test_whoever_has_left_or_does_not_listen_ends_with_the_job() -> None:
    bystander = subprocess.Popen(["sleep", "3612"])
    try:
        began = time.monotonic()
        scene = SCENE.format(stray=STRAY, stubborn=STUBBORN)
        done = subprocess.run(
            [sys.executable, "-c", scene], capture_output=True, text=True, timeout=30, check=True
        )
        assert done.stdout == "ended\n"
        assert time.monotonic() - began < 20
        wait_until(lambda: not _sleeping("3611") and not _sleeping("3613"), 5)
        assert bystander.poll() is None, "nobody else's"
    finally:
        bystander.kill()
        bystander.wait()


def test_the_dead_are_buried_and_a_child_of_ours_is_left_to_who_waits_for_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BURIAL], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "7\n[]\n"
