"""Locks of real processes: the kernel is what is tested against."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sampan_hub.process_lock import end_holder, hold, holder
from tests.waiting import wait_until

HOLD = """
import subprocess, sys
from pathlib import Path
from sampan_hub.process_lock import hold
kept = hold(Path(sys.argv[1]))
if sys.argv[2:] == ["with-child"]:
    child = subprocess.Popen(["sleep", "60"], pass_fds=[kept], stdout=subprocess.DEVNULL)
    print(child.pid, flush=True)
print("held" if kept is not None else "refused", flush=True)
sys.stdin.read()
"""


@contextmanager
def holding(path: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), *more],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with process:
        assert process.stdout is not None
        said = [process.stdout.readline().strip() for _ in range(1 + len(more))]
        try:
            yield process, said
        finally:
            process.kill()


def test_one_process_at_a_time_and_the_kernel_names_it(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    assert holder(path) is None
    with holding(path) as (process, said):
        assert said == ["held"]
        assert holder(path) == process.pid
        assert hold(path) is None
        with holding(path) as (_, refused):
            assert refused == ["refused"]
    assert holder(path) is None
    descriptor = hold(path)
    assert descriptor is not None
    os.close(descriptor)


def test_a_grandchild_never_holds_it(tmp_path: Path) -> None:
    """Also when it inherited the very descriptor: a job that outlives its broker must not keep the next one out."""
    path = tmp_path / "a.lock"
    with holding(path, "with-child") as (process, (grandchild, said)):
        assert said == "held"
        process.kill()
        process.wait()
        try:
            assert Path(f"/proc/{grandchild}").exists()
            assert holder(path) is None
        finally:
            os.kill(int(grandchild), signal.SIGKILL)


def test_ending_the_holder_ends_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    assert end_holder(path, signal.SIGKILL) is None
    with holding(path) as (process, _):
        gone = end_holder(path, signal.SIGTERM)
        assert gone is not None
        assert select.select([gone], [], [], 10)[0]
        os.close(gone)
        assert process.wait() == -signal.SIGTERM
    wait_until(lambda: holder(path) is None)
