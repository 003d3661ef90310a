"""The spool of the process scheduler: one folder a job, one lock for all decisions. Standard library only.

Whoever runs a verb reads the whole spool under the lock, so there is no daemon to lose. A job's record is public and holds
no secret; its script and log are its owner's alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sampan_kernels import procfs

__all__ = ["Job", "Limits", "Spool"]

KEPT: Final = 7 * 24 * 3600.0
"""Seconds that the record of an ended job is kept for whoever asks late."""

Job = dict[str, Any]
"""A job's record as it lies in `job.json`: see `Spool.add` for its fields."""
Limits = dict[str, Any]
"""`{"cores", "memory_mib", "accelerators": {type: count}}`: what this centre declares to have."""


class Spool:
    """The jobs of one centre. Every account of the centre may submit; each owns its own jobs' folders."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.jobs = path / "jobs"

    def make(self, limits: Limits | None) -> None:
        """Lays the spool out where it is missing; `limits` are written down when they are told."""
        if not self.jobs.is_dir():
            for folder in (self.path, self.jobs):
                folder.mkdir(parents=True, exist_ok=True)
                with contextlib.suppress(PermissionError):
                    # Like /tmp: all accounts of the centre may add, each may remove only its own.
                    folder.chmod(0o1777)
        if limits is not None and limits != self._read(self.path / "limits.json"):
            self._write(self.path / "limits.json", limits)

    @property
    def limits(self) -> Limits:
        found = self._read(self.path / "limits.json")
        if found is None:
            raise LookupError("this centre has not declared its cores and memory yet (limits.json)")
        return found

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the one lock: every admission is decided under it."""
        lock = self.path / "lock"
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            with contextlib.suppress(PermissionError):
                os.fchmod(handle, 0o666)
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    # --- records; the caller holds the lock

    def all(self) -> list[Job]:
        """Every job, the oldest first."""
        found = [self._read(folder / "job.json") for folder in self.jobs.iterdir() if folder.name.isdigit()]
        return sorted((job for job in found if job is not None), key=lambda job: int(job["id"]))

    def one(self, number: str) -> Job | None:
        return self._read(self.jobs / number / "job.json") if number.isdigit() else None

    def add(self, fields: Job, script: bytes) -> Job:
        """Writes a new job down; `fields`: tag, queue, cores, memory_mib, minutes, log, accelerator, accelerators."""
        taken = [int(folder.name) for folder in self.jobs.iterdir() if folder.name.isdigit()]
        counter = self._read(self.path / "last.json") or {"last": 0}
        number = max([int(counter["last"]), *taken]) + 1
        with contextlib.suppress(PermissionError):
            self._write(self.path / "last.json", {"last": number}, mode=0o666)
        folder = self.jobs / str(number)
        folder.mkdir(mode=0o755)
        handle = os.open(folder / "script", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(script)
        job = {
            **fields,
            "id": str(number),
            "account": pwd.getpwuid(os.getuid()).pw_name,
            "state": "queued",
            "submitted_at": time.time(),
            "node": os.uname().nodename,
            "boot": procfs.boot_id(),
            "shepherd": _me(),
        }
        self.put(job)
        return job

    def put(self, job: Job) -> None:
        self._write(self.jobs / job["id"] / "job.json", job)

    def script(self, job: Job) -> Path:
        return self.jobs / str(job["id"]) / "script"

    def mark(self, job: Job) -> str:
        """What every process of the job carries in its environment, so that leftovers are found."""
        return f"SAMPAN_JOB={self.path}/{job['id']}"

    # --- decisions; the caller holds the lock

    def has_room(self, job: Job, jobs: list[Job]) -> bool:
        """First come, first served: whether it is this job's turn, and what it asks for is free."""
        queued = [other for other in jobs if other["state"] == "queued"]
        if queued and int(queued[0]["id"]) < int(job["id"]):
            return False
        free = self.free(jobs)
        wanted = job.get("accelerator")
        return (
            job["cores"] <= free["cores"]
            and job["memory_mib"] <= free["memory_mib"]
            and (not wanted or job["accelerators"] <= free["accelerators"].get(wanted, 0))
        )

    def free(self, jobs: list[Job]) -> Limits:
        """What running jobs leave of what is declared."""
        limits = self.limits
        left = {**limits, "accelerators": dict(limits.get("accelerators", {}))}
        for job in jobs:
            if job["state"] == "running":
                left["cores"] -= job["cores"]
                left["memory_mib"] -= job["memory_mib"]
                if job.get("accelerator") in left["accelerators"]:
                    left["accelerators"][job["accelerator"]] -= job["accelerators"]
        return left

    def settle(self) -> list[Job]:
        """Every job, after those whose shepherd was killed have been ended and what they left has been killed."""
        jobs = self.all()
        for job in jobs:
            if job["state"] != "ended" and not _guarded(job) and self._is_mine(job):
                # Its cores are free only once nothing of it runs any more.
                for _ in range(100):
                    left = procfs.marked(self.mark(job)) if job["boot"] == procfs.boot_id() else []
                    if not left:
                        break
                    procfs.kill(left, signal.SIGKILL)
                    time.sleep(0.02)
                job.update(state="ended", reason="node", ended_at=time.time(), exit_code=None)
                self.put(job)
            elif job["state"] == "ended" and time.time() - job["ended_at"] > KEPT and self._is_mine(job):
                self._remove(job)
        return jobs

    def _remove(self, job: Job) -> None:
        folder = self.jobs / job["id"]
        for name in ("script", "job.json"):
            (folder / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            folder.rmdir()

    def _is_mine(self, job: Job) -> bool:
        return os.getuid() == 0 or pwd.getpwuid(os.getuid()).pw_name == job["account"]

    # --- files

    @staticmethod
    def _read(path: Path) -> dict[str, Any] | None:
        try:
            value = json.loads(path.read_text())
        except (OSError, ValueError):
            return None
        return value if isinstance(value, dict) else None

    @staticmethod
    def _write(path: Path, value: dict[str, Any], mode: int = 0o644) -> None:
        """Whole or not at all: written beside, made durable, put in place. A record keeps its owner."""
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "w") as file:
            os.fchmod(file.fileno(), mode)
            if os.getuid() == 0 and path.exists():
                owner = path.stat()
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            file.write(json.dumps(value))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


def _me() -> list[int]:
    return [os.getpid(), procfs.start_time(os.getpid()) or 0]


def _guarded(job: Job) -> bool:
    pid, started = job["shepherd"]
    return job["boot"] == procfs.boot_id() and procfs.alive(pid, started)
