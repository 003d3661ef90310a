"""The spool of the process scheduler: folders of jobs, one lock for who may start. Standard library only.

::

    <spool>/
      lock            0666: held while it is decided who may start, and while a job gets its number
      limits.json     what the centre declares to have; written by the spool's owner or root alone
      drafts/ jobs/ ended/    1777 like /tmp: every account adds its own jobs and removes only those

There is no daemon to lose. A job exists from the moment its folder is renamed from drafts to jobs, and has ended from
the moment it is renamed to ended, so whoever is killed in between leaves it on one side or the other.

Accounts of one centre share the spool in good faith: one that writes numbers of its own into it can let its jobs in early
or hold up others', as it could by just starting processes; it cannot touch another's jobs or read their scripts.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import signal
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sampan_kernels import procfs
from sampan_kernels.job_folder import DIGITS, JobFolder, number_of, publish, read_json

__all__ = ["Limits", "Spool"]

KEPT: Final = 7 * 24 * 3600.0
"""Seconds that an ended job is remembered for whoever asks late."""
ABANDONED: Final = 60.0
"""Seconds after which a draft that nobody holds is cleared away."""
PATIENCE: Final = 2.0
"""Seconds given to what a killed shepherd left behind to be gone."""

Limits = dict[str, Any]
"""`{"cores", "memory_mib", "accelerators": {type: count}}`"""


class Spool:
    """The jobs of one centre."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.drafts, self.jobs, self.over = path / "drafts", path / "jobs", path / "ended"
        self._told: Limits | None = None

    def make(self, limits: Limits | None) -> None:
        """Lays the spool out where it is missing. `limits` are written down by its owner, else used for this once."""
        self._told = limits
        self.path.mkdir(mode=0o755, parents=True, exist_ok=True)
        for folder in (self.drafts, self.jobs, self.over):
            if not folder.is_dir():
                with suppress(FileExistsError):
                    folder.mkdir()
                    folder.chmod(0o1777)
        if not os.path.lexists(self.path / "lock"):
            with suppress(FileExistsError):
                flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                handle = os.open(self.path / "lock", flags, 0o666)
                os.fchmod(handle, 0o666)
                os.close(handle)
        if limits is not None and self._is_owner() and read_json(self.path / "limits.json") != limits:
            publish(self.path / "limits.json", limits)

    def _is_owner(self) -> bool:
        return os.geteuid() in (0, self.path.stat().st_uid)

    @property
    def limits(self) -> Limits:
        """What the owner declared. Raises LookupError where nobody has."""
        found = read_json(self.path / "limits.json") or self._told
        if found is None:
            raise LookupError("this centre has not declared its cores and memory yet (limits.json)")
        return found

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the one lock."""
        # Without O_CREAT: in a folder like /tmp the kernel refuses that for another account's file.
        handle = os.open(self.path / "lock", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    # --- looking

    def live(self) -> list[JobFolder]:
        """Every job that waits or runs, the oldest first."""
        found = (JobFolder.read(self.jobs / name) for name in _names(self.jobs))
        return sorted((job for job in found if job and job.number), key=lambda job: job.number)

    def chosen(self, choose: Callable[[int, str], bool]) -> list[JobFolder]:
        """Jobs by number and tag, live or remembered. In this order: one that ends meanwhile is found behind."""
        found: dict[int, JobFolder] = {}
        for place in (self.jobs, self.over):
            for name in _names(place):
                if number_of(name) and choose(number_of(name), name.partition(".")[2]):
                    job = JobFolder.read(place / name)
                    if job is not None:
                        found[job.number] = job
        return [found[number] for number in sorted(found)]

    def waiting(self, live: list[JobFolder]) -> list[JobFolder]:
        """Those that wait for their turn, the oldest first. Without a shepherd a job will never start."""
        return [job for job in live if job.started is None and job.guarded]

    def running(self, live: list[JobFolder]) -> list[JobFolder]:
        """Those that hold cores: let in, and looked after, or killed unnoticed with something of them left."""
        return [job for job in live if job.started is not None and (job.guarded or leftovers(job))]

    def free(self, live: list[JobFolder]) -> Limits:
        """What running jobs leave of what is declared; negative where more is held than is declared now."""
        limits = self.limits
        left = {**limits, "accelerators": dict(limits.get("accelerators", {}))}
        for job in self.running(live):
            left["cores"] -= job.asked["cores"]
            left["memory_mib"] -= job.asked["memory_mib"]
            kind = job.asked.get("accelerator")
            if kind in left["accelerators"]:
                left["accelerators"][kind] -= job.asked["accelerators"]
        return left

    # --- a job's way

    def draft(self, asked: dict[str, Any], script: bytes) -> JobFolder:
        """Writes a job down where nobody sees it yet. Raises OSError; then nothing is left."""
        path = self.drafts / f"0.{os.urandom(8).hex()}"
        path.mkdir()
        path.chmod(0o755)
        job = JobFolder(path, os.geteuid(), {**asked, "mark": os.urandom(16).hex()})
        try:
            handle = os.open(path / "script", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(script)
            publish(path / "job.json", job.asked)
        except OSError:
            job.remove()
            raise
        return job

    def accept(self, draft: JobFolder) -> JobFolder:
        """Gives a draft its number and its place: from here on the job exists."""
        with self.locked():
            path = self.jobs / f"{self._next()}.{draft.asked['tag']}"
            draft.path.rename(path)
        return draft.at(path)

    def _next(self) -> int:
        """A number for a new job, larger than all before."""
        used = {number_of(name) for place in (self.jobs, self.over) for name in _names(place)}
        number = max(used, default=0) + 1
        if number < 10**DIGITS:
            return number
        # Somebody wrote the last number there is: others are still served.
        return next(free for free in itertools.count(1) if free not in used)

    def admit(self, job: JobFolder) -> bool:
        """First come, first served: lets the job in if it is its turn and what it asks for is free; once only."""
        if self._must_wait(job):
            return False
        self.settle()
        with self.locked():
            live = self.live()
            limits = self.limits
            ahead = [other for other in self.waiting(live) if other.number < job.number]
            # What is larger than all there is (the declaration has shrunk) never starts; it must not hold up the rest.
            if any(_fits(other, limits) for other in ahead) or not _fits(job, self.free(live)):
                return False
            started = {"at": time.time(), "ticks": procfs.now_ticks(), "boot": procfs.boot_id()}
            if not publish(job.path / "started.json", {**started, "node": os.uname().nodename}, once=True):
                return False
        self.ring()
        return True

    def _must_wait(self, job: JobFolder) -> bool:
        """Whether somebody is certainly ahead, found out without the lock, which is for those at the front."""
        limits = self.limits
        for name in sorted(_names(self.jobs), key=number_of):
            if number_of(name) >= job.number:
                return False
            if not os.path.lexists(self.jobs / name / "started.json"):
                other = JobFolder.read(self.jobs / name)
                if other is not None and other.guarded and _fits(other, limits):
                    return True
        return False

    def bury(self, job: JobFolder, how: dict[str, Any]) -> None:
        """Records how a job ended and gives back what it held; done twice it is done once."""
        # A full disk may cost the record, never the cores.
        with suppress(OSError):
            publish(job.path / "ended.json", how, once=True)
        with suppress(OSError):
            job.path.rename(self.over / job.path.name)
        self.ring()

    def ring(self) -> None:
        """Has the first in the queue look whether it is its turn."""
        for job in self.waiting(self.live())[:1]:
            job.ring()

    def settle(self) -> None:
        """Ends jobs whose shepherd was killed, after everything of them: each account does so for its own."""
        for job in self.live():
            if job.mine and not job.guarded and _cleared(job):
                began = (job.started or {}).get("at", 0.0)
                self.bury(job, {"at": max(time.time(), began), "reason": "node", "exit_code": None})

    def forget(self) -> None:
        """Removes one's own jobs that ended long ago, and drafts of submissions that were killed."""
        now = time.time()
        for name in _names(self.drafts):
            self._remove(self.drafts / name, now - ABANDONED)
        # Numbers count up with time; the highest stays, so that none is given twice.
        ended = sorted(_names(self.over), key=number_of)[:-1]
        for name in ended:
            if not self._remove(self.over / name, now - KEPT):
                return

    @staticmethod
    def _remove(path: Path, before: float) -> bool:
        """Removes that folder unless it is younger or held; False where it is younger."""
        try:
            found = os.lstat(path)
        except OSError:
            return True
        job = JobFolder(path, found.st_uid, {})
        if found.st_mtime >= before:
            return False
        if job.uid == os.geteuid() and stat.S_ISDIR(found.st_mode) and not job.guarded:
            with suppress(OSError):
                job.remove()
        return True


def leftovers(job: JobFolder) -> list[procfs.Process]:
    """What still runs of a job that was let in, as far as this account can tell.

    Of another account's job it cannot tell which processes they are: any of that account's that is younger counts, so
    that cores are never given twice; the next verb of that account settles it.
    """
    started = job.started
    if started is None or started.get("boot") != procfs.boot_id():
        return []
    if job.mine:
        return procfs.marked(f"SAMPAN_JOB={job.asked['mark']}")
    ticks = started.get("ticks")
    return procfs.of_account(job.uid, ticks if isinstance(ticks, int) else 0)


def _cleared(job: JobFolder) -> bool:
    """Kills what a killed shepherd left behind; whether all of it is gone."""
    until = time.monotonic() + PATIENCE
    while left := leftovers(job):
        procfs.kill(left, signal.SIGKILL)
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def _fits(job: JobFolder, room: Limits) -> bool:
    asked, kind = job.asked, job.asked.get("accelerator")
    cards = not kind or asked.get("accelerators", 0) <= room.get("accelerators", {}).get(kind, 0)
    return bool(cards and asked["cores"] <= room["cores"] and asked["memory_mib"] <= room["memory_mib"])


def _names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]
