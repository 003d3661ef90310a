"""A spool of the process scheduler in a folder of its own, spoken to as centres are: by running the program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.waiting import wait_until

__all__ = ["ASpool", "alive", "holding"]

PROGRAM = (sys.executable, "-I", "-m", "sampan_kernels.processes")


class ASpool:
    """Declares `cores` and `memory_mib` at each call. `account`: who asks, where the tests run as root."""

    def __init__(self, root: Path, cores: int = 4, memory_mib: int = 1024, *also: str) -> None:
        self.root = root
        self.path = root / "spool"
        self.declared = (f"--cores={cores}", f"--memory-mib={memory_mib}", *also)
        self.account: str | None = None

    def command(self, *words: str) -> list[str]:
        return [*PROGRAM, "--spool", str(self.path), *self.declared, *words]

    def run(self, *words: str, script: str = "") -> subprocess.CompletedProcess[str]:
        person: dict[str, Any] = {"user": self.account, "group": self.account, "extra_groups": []}
        return subprocess.run(
            self.command(*words),
            input=script,
            text=True,
            capture_output=True,
            check=False,
            timeout=60,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "SECRET": "of whoever submits"},
            **(person if self.account else {}),
        )

    def ask(self, *words: str) -> dict[str, Any]:
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def words(self, tag: str, *also: str, cores: int = 1, memory_mib: int = 64) -> list[str]:
        """The command line of a submission; of an option given twice the last one counts."""
        asked = [f"--tag={tag}", "--queue=main", f"--cores={cores}", f"--memory-mib={memory_mib}"]
        return ["submit", *asked, "--minutes=5", f"--log={self.log(tag)}", *also]

    def submit(
        self, script: str, tag: str = "sampan-hub1-job1-1", *also: str, cores: int = 1, memory_mib: int = 64
    ) -> str:
        done = self.run(*self.words(tag, *also, cores=cores, memory_mib=memory_mib), script=script)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def log(self, tag: str = "sampan-hub1-job1-1") -> Path:
        return self.root / f"{tag}.log"

    def status(self, number: str) -> dict[str, Any]:
        [job] = self.ask("status", number)["jobs"]
        assert isinstance(job, dict)
        return job

    def wait(self, number: str, state: str = "ended", deadline: float = 20.0) -> dict[str, Any]:
        wait_until(lambda: self.status(number)["state"] == state, deadline)
        return self.status(number)

    def free(self) -> tuple[int, int]:
        free = self.ask("capacity")["free"]
        return free["cores"], free["memory_mib"]

    def shepherd(self, number: str) -> int:
        """The process that looks after the job: it alone holds the job's lock open."""
        [folder] = (self.path / "jobs").glob(f"{number}.*")
        [pid] = holding(folder / "alive")
        return pid

    def clear(self) -> None:
        """Ends whatever a test has left."""
        for job in self.ask("find")["jobs"]:
            if job["state"] != "ended":
                os.kill(self.shepherd(job["id"]), signal.SIGTERM)
        wait_until(lambda: all(job["state"] == "ended" for job in self.ask("find")["jobs"]))


def alive(pid: int) -> bool:
    """Whether that process runs; one that is dead and not buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def holding(path: Path) -> list[int]:
    """Processes that have this file open."""
    found = set()
    for handle in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(handle) == str(path):  # noqa: PTH115 (Path would have to exist in our view)
                found.add(int(handle.parts[2]))
        except OSError:
            continue
    return sorted(found)
