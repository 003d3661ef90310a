"""Looks after one job of the process scheduler, from the queue to its end. Standard library only.

Cores are admitted, not enforced: a job may compute on more than it asked for. Memory is watched: a job that takes more
than it asked for is killed, up to a second late. The time limit is kept.
"""

from __future__ import annotations

import os
import pwd
import select
import signal
import time
from contextlib import suppress
from typing import Final, NoReturn

from sampan_kernels import procfs
from sampan_kernels.job_folder import JobFolder
from sampan_kernels.spool import Spool

__all__ = ["GRACE", "Shepherd"]

LOOK: Final = 1.0
"""Seconds between looks at a running job's memory. Its end, its limit, and a wish for its end are noticed at once."""
TURN: Final = 2.0
"""Seconds after which one who waits looks by itself: the one ahead may have been killed and rings nobody."""
EXACT: Final = 5
"""Every so many looks, and at the first ones, a new peak of memory is measured exactly."""
GRACE: Final = 5.0
"""Seconds between asking a job to end (SIGTERM) and ending it (SIGKILL)."""
LEFT: Final = 1.0
"""The same for what a job leaves behind when its script has ended."""
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36


class Shepherd:
    """Waits for the job's turn, runs it, and leaves nothing of it behind. `log`: an open file for the job's output."""

    def __init__(self, spool: Spool, job: JobFolder, log: int, grace: float = GRACE) -> None:
        self._spool = spool
        self._job = job
        self._log = log
        self._grace = grace
        self._bell = job.listen()
        self._code: int | None = None
        """The exit status of the job's script, once it has ended: 128 and the signal's number where one killed it."""
        self._shot = False
        self._peak = 0

    def run(self) -> None:
        """Until the job has ended; its folder says how."""
        signal.set_wakeup_fd(self._bell, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._shoot)
        while not self._let_in():
            if self._job.cancelled or self._shot:
                self._bury(time.time(), "node" if self._shot else "cancelled")
                return
            self._wait(TURN)
        began, clock = time.time(), time.monotonic()
        try:
            reason = self._tend(clock)
        except OSError:
            # No process or no memory to be had just now: not the job's fault.
            self._clear(0, 0.0)
            reason = "node"
        # By the clock that never jumps: a job cannot have ended before it began.
        self._bury(began + time.monotonic() - clock, reason)

    def _shoot(self, *_: object) -> None:
        self._shot = True

    def _let_in(self) -> bool:
        # A full disk keeps a job waiting: it could not be written down that it runs, so it must not.
        with suppress(OSError, LookupError):
            return not self._job.cancelled and self._spool.admit(self._job)
        return False

    def _bury(self, at: float, reason: str) -> None:
        how = {"at": at, "reason": reason, "exit_code": self._code, "peak_memory_mib": self._peak}
        self._spool.bury(self._job, how)

    def _wait(self, seconds: float) -> None:
        """Until somebody rings, a signal comes, or that many seconds have passed."""
        if select.select([self._bell], [], [], max(0.0, seconds))[0]:
            with suppress(BlockingIOError):
                os.read(self._bell, 4096)

    # --- a running job

    def _tend(self, clock: float) -> str:
        """Runs the script to its end, or to the first reason to end it; returns that reason."""
        prctl = _Prctl()
        prctl(_PR_SET_CHILD_SUBREAPER, 1)
        main = self._start(prctl)
        reason, looks = None, 0
        limit = clock + self._job.asked["minutes"] * 60
        while reason is None and not self._reap(main):
            # Sooner at first: most of what is too large is so from its start.
            self._wait(min(LOOK, 0.1 * 2 ** min(looks, 9), limit - time.monotonic()))
            looks += 1
            reason = None if self._reap(main) else self._reason(limit, looks)
        if reason is None:
            self._clear(main, LEFT)
            return "finished" if self._code == 0 else "failed"
        self._clear(main, 0.0 if reason == "memory" else self._grace)
        return reason

    def _reason(self, limit: float, looks: int) -> str | None:
        """Why a running job must end now, if it must."""
        if self._shot:
            return "node"
        if self._job.cancelled:
            return "cancelled"
        if time.monotonic() >= limit:
            return "time"
        most = self._job.asked["memory_mib"]
        enough = self._peak if looks < EXACT or looks % EXACT == 0 else most
        held, exact = procfs.memory_mib(procfs.descendants(os.getpid()), min(enough, most))
        if exact:
            self._peak = max(self._peak, held)
        return "memory" if exact and held > most else None

    def _start(self, prctl: _Prctl) -> int:
        """The job's script as a process: its own session, a clean environment, and the death of ours its own."""
        script, mark = str(self._job.path / "script"), str(self._job.asked["mark"])
        environment = _environment(str(self._job.number), mark)
        us = os.getpid()
        child = os.fork()
        if child == 0:
            try:
                prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
                if os.getppid() == us:
                    self._become(script, environment)
            finally:
                os._exit(127)
        os.close(self._log)
        return child

    def _become(self, script: str, environment: dict[str, str]) -> NoReturn:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        for stream in (1, 2):
            os.dup2(self._log, stream)
        with suppress(OSError):
            os.chdir(environment["HOME"])
        os.execve("/bin/bash", ["bash", script], environment)  # noqa: S606 (a job *is* a script of its owner)

    def _reap(self, main: int) -> bool:
        """Buries whatever has died; whether the script's process is among all those that have."""
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                if pid == main:
                    code = os.waitstatus_to_exitcode(status)
                    self._code = code if code >= 0 else 128 - code
        return self._code is not None

    def _clear(self, main: int, grace: float) -> None:
        """Ends everything of the job: asks it to, then makes it. However it hid, it has come to be below us."""
        until = time.monotonic() + grace
        asked: set[procfs.Process] = set()
        while left := procfs.descendants(os.getpid()):
            if time.monotonic() < until:
                new = [process for process in left if process._replace(parent=0) not in asked]
                procfs.kill(new, signal.SIGTERM)
                asked.update(process._replace(parent=0) for process in new)
                self._wait(0.05)
            else:
                procfs.kill(left, signal.SIGKILL)
                self._wait(0.01)
            self._reap(main)
        self._reap(main)


class _Prctl:
    """prctl(2). The library that calls it is loaded after the fork only: whoever submits does not wait for it."""

    def __init__(self) -> None:
        import ctypes

        self._call = ctypes.CDLL(None, use_errno=True).prctl

    def __call__(self, option: int, value: int) -> None:
        self._call(option, value, 0, 0, 0)


def _environment(number: str, mark: str) -> dict[str, str]:
    """All that a job finds: nothing of whoever submitted it comes along. The mark finds it again if we are killed."""
    try:
        account = pwd.getpwuid(os.geteuid())
        home, name, shell = account.pw_dir, account.pw_name, account.pw_shell
    except KeyError:
        home, name, shell = "/", str(os.geteuid()), "/bin/sh"
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": home,
        "USER": name,
        "LOGNAME": name,
        "SHELL": shell,
        "SAMPAN_JOB_ID": number,
        "SAMPAN_JOB": mark,
    }
