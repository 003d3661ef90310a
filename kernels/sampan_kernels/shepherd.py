"""Looks after one job of the process scheduler, from the queue to its end. Standard library only.

Cores are admitted, not enforced: a job may compute on more than it asked for. Memory is watched: a job that takes more
than it asked for is ended. The time limit is kept.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import time
from typing import Any, Final

from sampan_kernels import procfs
from sampan_kernels.spool import Job, Spool

__all__ = ["Shepherd"]

TURN: Final = 0.1
LOOK: Final = 0.1
"""Seconds between looks at the queue, and at the job."""
MEMORY_LOOK: Final = 1.0
GRACE: Final = 10.0
"""Seconds between asking a job to end and ending it."""
_PR_SET_CHILD_SUBREAPER: Final = 36


class Shepherd:
    """Waits for the job's turn, runs it, and leaves nothing of it behind."""

    def __init__(self, spool: Spool, number: str) -> None:
        self._spool = spool
        self._number = number
        self._asked = False

    def run(self) -> None:
        """Until the job has ended; its record says how."""
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        job = self._wait()
        if job is None:
            return
        code, reason, peak = self._look_after(job)
        self._end(job, code, reason, peak)

    def _ask(self, number: int, frame: object) -> None:
        self._asked = True

    def _wait(self) -> Job | None:
        """The job once it is its turn, recorded as running; None where it was cancelled first."""
        while True:
            with self._spool.locked():
                jobs = self._spool.settle()
                job = next(job for job in jobs if job["id"] == self._number)
                if self._asked:
                    job.update(state="ended", reason="cancelled", ended_at=time.time(), exit_code=None)
                    self._spool.put(job)
                    return None
                if self._spool.has_room(job, jobs):
                    job.update(state="running", started_at=time.time())
                    self._spool.put(job)
                    return job
                ahead = sum(other["state"] == "queued" for other in jobs if int(other["id"]) < int(job["id"]))
            # Whoever is far behind looks less often: the lock is for those at the front.
            time.sleep(TURN * min(10, 1 + ahead))

    def _look_after(self, job: Job) -> tuple[int | None, str, int]:
        """Runs the job; returns its exit code, why it ended, and the most memory it held, in MiB."""
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        try:
            main = self._start(job)
        except OSError as error:
            self._complain(job, error)
            return 127, "failed", 0
        started, looked, peak, reason = time.monotonic(), 0.0, 0, ""
        asked_at: float | None = None
        while (code := _reap(main)) is None:
            now = time.monotonic()
            if now - looked >= MEMORY_LOOK:
                looked = now
                peak = max(peak, procfs.memory_mib(procfs.descendants(os.getpid())))
                if peak > job["memory_mib"]:
                    reason = "memory"
                    procfs.kill(procfs.descendants(os.getpid()), signal.SIGKILL)
            if not reason and now - started > job["minutes"] * 60:
                reason = "time"
            if not reason and self._asked:
                reason = "cancelled"
            if reason in ("time", "cancelled"):
                if asked_at is None:
                    asked_at = now
                    procfs.kill([main], signal.SIGTERM)
                elif now - asked_at > GRACE:
                    procfs.kill(procfs.descendants(os.getpid()), signal.SIGKILL)
            time.sleep(LOOK)
        _clear()
        return code, reason or ("finished" if code == 0 else "failed"), peak

    def _start(self, job: Job) -> int:
        account = pwd.getpwuid(os.getuid())
        log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        name, _, mark = self._spool.mark(job).partition("=")
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": account.pw_dir,
            "USER": account.pw_name,
            "LOGNAME": account.pw_name,
            "SHELL": account.pw_shell,
            "SAMPAN_JOB_ID": job["id"],
            name: mark,
        }
        try:
            child = subprocess.Popen(
                ["/bin/bash", str(self._spool.script(job))],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(log)
        # Reaped here by number, with every other process that is handed to us.
        child.returncode = 0
        return child.pid

    @staticmethod
    def _complain(job: Job, error: OSError) -> None:
        with contextlib.suppress(OSError), open(job["log"], "a") as log:  # noqa: PTH123 (text from a record)
            log.write(f"sampan: the job could not be started: {error}\n")

    def _end(self, job: Job, code: int | None, reason: str, peak: int) -> None:
        with self._spool.locked():
            fields: dict[str, Any] = {"state": "ended", "reason": reason, "exit_code": code}
            job.update(**fields, ended_at=time.time(), peak_memory_mib=peak)
            self._spool.put(job)


def _reap(main: int) -> int | None:
    """Buries whatever has died; the exit code of `main` once it has (negative: by that signal)."""
    code = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if pid == 0:
            return code
        if pid == main:
            code = os.waitstatus_to_exitcode(status)


def _clear() -> None:
    """Ends what the job's main process left behind, however it hid: all of it has come to be below us."""
    until = time.monotonic() + 1.0
    while left := procfs.descendants(os.getpid()):
        procfs.kill(left, signal.SIGTERM if time.monotonic() < until else signal.SIGKILL)
        _reap(0)
        time.sleep(0.05)
    _reap(0)
