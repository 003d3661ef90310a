"""A centre of a real broker, run by the real process scheduler, and kernels there, for tests of what a notebook starts."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sampan_hub.keys import MasterKey
from tests.sampan_hub.real_broker import RealBroker, real_broker
from tests.waiting import wait_until
from tests.ways.processes import environment, everybody

ROOT = Path(__file__).resolve().parents[2]


class ProcessCentre:
    """`east` of a running broker, with a kernel there; a program beside that kernel has its account and its environment."""

    def __init__(self, broker: RealBroker) -> None:
        self.broker = broker
        launch = self.ask(
            "POST", "/launches", json={"kind": "kernel", "name": "k", "options": {"cores": 1, "memory": 0.5}}
        )
        self.kernel: str = launch["id"]
        asyncio.run(broker.at(self.kernel, "ready"))
        told = ((pid, environment(pid)) for pid in everybody())
        tag = f"sampan-test1-{self.kernel}-1"
        self.pid, self.environment = next(
            (pid, words) for pid, words in told if words.get("SAMPAN_TAG") == tag
        )
        token = MasterKey.load(broker.state / "secrets" / "master").job_token(tag)
        self.environment |= {
            "PYTHONPATH": str(ROOT),
            "SAMPAN_BROKER_TOKEN": token,
            "SAMPAN_BROKER_URL": f"http://127.0.0.1:{broker.port}/services/sampan",
            "SAMPAN_DEADLINE": str(int(time.time()) + 3600),
        }
        self.root = Path(broker.descriptor("east")["scratch"]).parent
        self.attempt = Path(self.environment["HOME"], ".sampan", "attempts", self.environment["SAMPAN_TAG"])

    def ask(self, method: str, path: str, **options: Any) -> Any:
        return asyncio.run(self.broker.ask(method, path, "alice", **options))

    def running(self, cluster: str) -> set[str]:
        """The numbers of the jobs of that cluster that have not ended."""
        return {job["id"] for job in self.broker.live_jobs("east") if f"-{cluster}-1-dask-w" in job["tag"]}

    def become(self, **more: str) -> dict[str, Any]:
        """Whose account the kernel has, for a process that is to be beside it; `more` of an environment."""
        owner = Path(f"/proc/{self.pid}").stat()
        as_them = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        return {"env": self.environment | more, "cwd": "/", **(as_them if os.getuid() == 0 else {})}

    @contextmanager
    def session(self, **more: str) -> Iterator[Session]:
        """A program with a cluster of two workers that have answered."""
        argv = [sys.executable, "-W", "error", "-m", "tests.sampan.a_session"]
        pipe = subprocess.PIPE
        with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, **self.become(**more)) as program:
            try:
                yield Session(self, program)
            finally:
                program.kill()


@contextmanager
def process_centre() -> Iterator[ProcessCentre]:
    """Eight cores; on leaving, broker and jobs are gone."""
    with asyncio.Runner() as runner:
        making = real_broker(_roomy)
        broker = runner.run(making.__aenter__())
        try:
            yield ProcessCentre(broker)
        finally:
            runner.run(making.__aexit__(None, None, None))


def _roomy(broker: RealBroker) -> None:
    broker.only("east")
    scheduler = {**broker.descriptor("east")["scheduler"], "cores": 8, "memory_gib": 8}
    broker.describe("east", scheduler=scheduler)


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

    def type(self, number: int) -> None:
        """Into the cluster's display in the notebook."""
        assert self._program.stdin is not None
        self._program.stdin.write(f"{number}\n")
        self._program.stdin.flush()

    def say(self, word: str) -> int:
        """Tells the program how to end; its exit status."""
        self._program.communicate(word + "\n", timeout=60)
        return self._program.returncode

    def launch(self) -> dict[str, Any]:
        found: dict[str, Any] = self._centre.ask("GET", f"/launches/{self.name}")
        return found

    def must_be_gone(self) -> None:
        """Neither a job nor a process is left, and the launch is over."""
        wait_until(lambda: not self._centre.running(self.name), 60)
        wait_until(lambda: not any(Path(f"/proc/{pid}/stat").exists() for pid in self.pids - {self.pid}))
        wait_until(lambda: self.launch()["stage"] == "ended", 60)
