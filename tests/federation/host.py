"""One host of a centre: its namespaces, its file tree, and commands within."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.federation.record import Process, Record, within

__all__ = ["Failed", "Host", "wait_for"]

REPOSITORY: Final = Path(__file__).resolve().parents[2]
ENVIRONMENT: Final = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
_OWN: Final = {
    **dict.fromkeys(("tree", "var", "var/lib", "var/log", "var/cache", "var/spool"), 0o755),
    **dict.fromkeys(("tmp", "var/tmp"), 0o1777),
}
_PROGRAMS: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_DEVICES: Final = ("null", "zero", "full", "random", "urandom", "tty")


class Failed(RuntimeError):
    """A command, or a daemon, that did not do what the federation needs; the text says all that is known."""


def wait_for(what: str, is_so: Callable[[], object], seconds: float = 30.0, every: float = 0.05) -> None:
    """Until it is so. Raises Failed, naming it, when it is not after `seconds`."""
    limit = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > limit:
            raise Failed(f"{what}: not within {seconds:g} s")
        time.sleep(every)


class Host:
    """`shared`: folders that all hosts of its centre have, by where they lie there. `own`: what this one has alone.

    `read_only`: what it sees of this machine besides its programs, by where.
    """

    def __init__(
        self, name: str, own: Path, shared: Mapping[str, Path], read_only: Mapping[str, Path], record: Record
    ) -> None:
        self.name = name
        self.own = own
        self._shared = shared
        self._read_only = read_only
        self._record = record

    @property
    def anchor(self) -> Process:
        """Its first process. Raises Failed where the host is not up."""
        found = self._record.anchor(self.name)
        if found is None or not found.alive:
            raise Failed(f"{self.name} is not up; `python -m tests.federation up` brings it up")
        return found

    @property
    def up(self) -> bool:
        found = self._record.anchor(self.name)
        return found is not None and found.alive

    @property
    def whole(self) -> bool:
        """Whether it is up, and was made as it would be made now."""
        return self.up and self._built.exists() and self._built.read_text() == self._told()

    @property
    def _built(self) -> Path:
        return self.own / "built.json"

    def _told(self) -> str:
        return json.dumps({"name": self.name, "top": str(self.own / "tree"), "mounts": self._mounts()})

    def start(self) -> None:
        """Makes the host, without a network yet."""
        for name, mode in _OWN.items():
            (self.own / name).mkdir(parents=True, exist_ok=True)
            (self.own / name).chmod(mode)
        with subprocess.Popen(
            [sys.executable, "-m", "tests.federation.anchor"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        ) as process:
            if process.stdin is None or process.stdout is None:
                raise Failed("no pipes")
            process.stdin.write(self._told() + "\n")
            process.stdin.flush()
            pid = process.stdout.readline().strip()
            if not pid.isdigit():
                raise Failed(f"{self.name}: no namespaces of its own: {pid or 'its first process ended'}")
            self._record.write_anchor(self.name, Process.of(int(pid)))
            process.stdin.write("go\n")
            process.stdin.flush()
            answer = process.stdout.readline().strip()
        if answer != "ready":
            raise Failed(f"{self.name}: {answer or 'its first process ended'}")
        self._built.write_text(self._told())

    def end(self) -> None:
        """Ends everything that runs on it."""
        found = self._record.anchor(self.name)
        if found is not None:
            found.end()
            self._record.forget_anchor(self.name)

    def _mounts(self) -> list[tuple[str, str, str]]:
        programs = sorted(path for path in Path("/").iterdir() if path.name in _PROGRAMS)
        return [
            ("read-only", "/usr", "/usr"),
            *(
                ("link", str(path.readlink()), str(path))
                if path.is_symlink()
                else ("read-only", str(path), str(path))
                for path in programs
            ),
            *(("bind", str(path), target) for target, path in self._shared.items()),
            *(("read-only", str(path), target) for target, path in self._read_only.items()),
            ("bind", str(self.own / "var"), "/var"),
            ("bind", str(self.own / "tmp"), "/tmp"),
            ("tmpfs", "700", "/root"),
            ("tmpfs", "755", "/run"),
            ("proc", "", "/proc"),
            # With the control groups below it: slurmd does not start without them.
            ("bind-all", "/sys", "/sys"),
            ("tmpfs", "755", "/dev"),
            *(("bind", f"/dev/{name}", f"/dev/{name}") for name in _DEVICES),
            ("terminals", "", "/dev/pts"),
            ("link", "pts/ptmx", "/dev/ptmx"),
            ("link", "/proc/self/fd", "/dev/fd"),
            ("link", "fd/0", "/dev/stdin"),
            ("link", "fd/1", "/dev/stdout"),
            ("link", "fd/2", "/dev/stderr"),
            ("tmpfs", "1777", "/dev/shm"),
        ]

    def run(
        self,
        argv: Sequence[str],
        *,
        account: str | None = None,
        stdin: bytes = b"",
        check: bool = True,
        seconds: float = 60.0,
    ) -> subprocess.CompletedProcess[str]:
        """A command on this host, as root or as `account`, in its home there."""
        done = subprocess.run(
            [*self._into(account), *argv],
            input=stdin,
            capture_output=True,
            timeout=seconds,
            env=ENVIRONMENT,
            check=False,
        )
        out, err = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
        if check and done.returncode != 0:
            raise Failed(f"{self.name}: {' '.join(argv)[:200]}: exit {done.returncode}\n{err or out}".strip())
        return subprocess.CompletedProcess(list(argv), done.returncode, out, err)

    def spawn(self, argv: Sequence[str], *, log: str) -> None:
        """Starts, as root, a command that stays, with its output in the file `log` of the host."""
        self.run(["sh", "-c", f'exec >>"{log}" 2>&1 </dev/null; setsid "$@" &', "sh", *argv])

    def argv(self, argv: Sequence[str], account: str | None = None) -> list[str]:
        """The same command as this machine would start it, for whoever keeps the process in hand."""
        return [*self._into(account), *argv]

    def _into(self, account: str | None) -> list[str]:
        into = ["nsenter", f"--target={self.anchor.pid}"]
        into += ["--mount", "--uts", "--ipc", "--net", "--pid", "--"]
        if account is None:
            return into
        home = f"/home/{account}"
        # No login shell: what a profile prints would be read as the command's answer.
        return [
            *into,
            *("setpriv", f"--reuid={account}", f"--regid={account}", "--init-groups", "--"),
            *("env", f"--chdir={home}", f"HOME={home}", f"USER={account}", f"LOGNAME={account}"),
        ]

    def processes(self, name: str | None = None) -> list[Process]:
        """What runs on it by the program's name (comm), or all that does."""
        return [process for process, comm in within(self.anchor) if name in (None, comm[:15])]

    def pid_here(self, pid: int) -> int:
        """The number, on this machine, of a process that knows itself by `pid` on the host. Raises Failed."""
        for process, _ in within(self.anchor):
            with suppress(OSError):
                status = Path(f"/proc/{process.pid}/status").read_text()
                if f"\nNSpid:\t{process.pid}\t{pid}\n" in status:
                    return process.pid
        raise Failed(f"no process {pid} at {self.name}")

    def signal(self, name: str, number: int) -> int:
        """Sends a signal to every process of that name; the answer is how many there were."""
        found = self.processes(name)
        for process in found:
            with suppress(ProcessLookupError):
                os.kill(process.pid, number)
        return len(found)
