"""A centre run by the real process scheduler, and sessions there, for tests of what a notebook starts."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
TAG = "sampan-hub1-abcd1234-1"


class ProcessCentre:
    """Four cores in a folder of its own. On leaving, every job that is still there is cancelled and waited for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.spool = root / "spool"
        self.attempt = root / "home" / ".sampan" / "attempts" / TAG
        self.attempt.mkdir(mode=0o700, parents=True)
        self.facts: dict[str, Any] = {
            "id": "east",
            "scheduler": "process",
            "share": "cpu",
            "queue": "cpu",
            "cores_max": 4,
            "memory_per_core_mib": 1024,
            "directives": [],
            "modules": [],
            "python": sys.executable,
            "scratch": None,
            "spool": str(self.spool),
            "nodes_may_submit": True,
        }
        # As the launcher hands it on: without the attempt's folder, which is found by HOME and the tag.
        self.environment = {
            "HOME": str(root / "home"),
            "LANG": "C.UTF-8",
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "SAMPAN_CENTRE": "east",
            "SAMPAN_CENTRE_EN": "East",
            "SAMPAN_CENTRE_ZH": "东部中心",
            "SAMPAN_CORES": "2",
            "SAMPAN_DEADLINE": str(int(time.time()) + 3600),
            "SAMPAN_LAUNCH": "abcd1234",
            "SAMPAN_MEMORY_MIB": "2048",
            "SAMPAN_SCHEDULER": "process",
            "SAMPAN_SHARE": "cpu",
            "SAMPAN_TAG": TAG,
        }

    def __enter__(self) -> Self:
        self._ask("--cores", "4", "--memory-mib", "4096", "capacity")
        return self

    def __exit__(self, *_: object) -> None:
        for job in self._live():
            self._ask("cancel", "--tag", job["tag"], job["id"])
        wait_until(lambda: not self._live())

    def running(self, name: str) -> set[str]:
        """The numbers of the jobs of the cluster called `name` that have not ended."""
        return {job["id"] for job in self._live() if job["tag"].startswith(name)}

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A program with a cluster of two workers that have answered."""
        argv = [sys.executable, "-W", "error", "-m", "tests.sampan.a_session", json.dumps(self.facts)]
        pipe = subprocess.PIPE
        with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, env=self.environment) as program:
            try:
                yield Session(self, program)
            finally:
                program.kill()

    def _live(self) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = self._ask("find")["jobs"]
        return [job for job in jobs if job["state"] != "ended"]

    def _ask(self, *words: str) -> dict[str, Any]:
        argv = [sys.executable, "-m", "sampan_kernels.processes", "--spool", str(self.spool), *words]
        done = subprocess.run(argv, text=True, capture_output=True, check=True, timeout=30)
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


class Session:
    """What the running program told of itself and of its workers."""

    def __init__(self, centre: ProcessCentre, program: subprocess.Popen[str]) -> None:
        assert program.stdout is not None
        self._centre = centre
        self._program = program
        self.told: dict[str, Any] = json.loads(program.stdout.readline())
        self.pid: int = self.told["pid"]
        self.name: str = self.told["name"]
        self.workers: list[dict[str, Any]] = self.told["workers"]
        self.pids = {self.pid, *(worker["pid"] for worker in self.workers)}

    def say(self, word: str) -> int:
        """Tells the program how to end; its exit status."""
        self._program.communicate(word + "\n", timeout=60)
        return self._program.returncode

    def must_be_gone(self) -> None:
        """Neither a job nor a process is left."""
        wait_until(lambda: not self._centre.running(self.name))
        wait_until(lambda: not any(Path(f"/proc/{pid}/stat").exists() for pid in self.pids - {self.pid}))
