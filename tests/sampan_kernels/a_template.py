"""A real template of a small program, and its forks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sampan_kernels.forks import Fork, claim
from tests.waiting import wait_until

__all__ = ["NEVER_TWICE", "Template", "a_template"]

CHECKOUT = Path(__file__).resolve().parents[2]

PROGRAM = """
import json, multiprocessing, os, random, signal, ssl, sys, tempfile, time, uuid

TOLD = {
    "random": lambda: random.random(),
    "numpy": lambda: sys.modules["numpy"].random.random(),
    "generator": lambda: sys.modules["numpy"].random.default_rng().random(),
    "uuid": lambda: str(uuid.uuid4()),
    "name": lambda: os.path.basename(tempfile.mktemp()),
    "tls": lambda: ssl.RAND_bytes(8).hex(),
    "processes": lambda: multiprocessing.current_process().authkey.hex(),
}
REST = {
    "argv": lambda: sys.argv[1:],
    "cwd": os.getcwd,
    "start": lambda: multiprocessing.process.ORIGINAL_DIR,
    "color": lambda: os.environ.get("COLOR"),
    "template": lambda: os.environ.get("OF_THE_TEMPLATE"),
    "group": lambda: os.getpgrp() == os.getpid(),
    "session": lambda: os.getsid(0) == os.getpid(),
    "interruptible": lambda: signal.getsignal(signal.SIGINT) is signal.default_int_handler,
    "temporary": tempfile.gettempdir,
    "handles": lambda: handles(),
}

def handles():
    links = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd") if int(number) > 2)
    return sorted(os.readlink(link).split(":")[0] for link in links if os.path.islink(link))

def main():
    print(json.dumps({name: ask() for name, ask in {**TOLD, **REST}.items()}), flush=True)
    print("and an error", file=sys.stderr, flush=True)
    if sys.argv[1] == "wait":
        time.sleep(600)
    if sys.argv[1] == "fail":
        raise SystemExit(7)
"""
NEVER_TWICE = ("random", "numpy", "generator", "uuid", "name", "tls", "processes")
_TEMPLATE = """
import sys
from sampan_kernels import template
template.PROGRAMS = {"test": ("a_program", ("numpy", "not_installed", "broken_here"))}
template._QUIET = 1
template.main(*sys.argv[1:])
"""


@dataclass
class Template:
    """One of a program of the test's own, and its forks."""

    process: subprocess.Popen[bytes]
    socket: Path
    folder: Path
    environment: dict[str, str]
    claimed: list[Fork] = field(default_factory=list)

    def fork(self, word: str, **changed: Any) -> Fork | None:
        environment = {**self.environment, "COLOR": "red", **changed.pop("environment", {})}
        argv = changed.pop("argv", (sys.executable, "-P", "-m", "a_program", word))
        with (self.folder / "out").open("ab") as out:
            told = {"outputs": (out.fileno(), out.fileno()), "patience": 30, **changed}
            fork = claim(self.socket, argv, environment, self.folder, **told)
        if fork is not None:
            self.claimed.append(fork)
        return fork

    def running(self, word: str = "wait") -> Fork:
        fork = self.fork(word)
        assert fork is not None
        return fork

    def told(self, number: int) -> list[dict[str, Any]]:
        """What that many forks have said of themselves."""
        wait_until(lambda: len(self.output.splitlines()) >= 2 * number, 30)
        return [json.loads(line) for line in self.output.splitlines() if line.startswith("{")]

    @property
    def output(self) -> str:
        return (self.folder / "out").read_text()


@contextmanager
def a_template(folder: Path) -> Iterator[Template]:
    code = folder / "code"
    code.mkdir()
    (code / "a_program.py").write_text(PROGRAM)
    (code / "broken_here.py").write_text("raise ImportError('broken here')")
    where = folder / "template.sock"
    # Without the checkout's own folder: what somebody makes in it meanwhile would be an environment that has changed.
    places = (str(code), *(place for place in sys.path if Path(place or ".").resolve() != CHECKOUT))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places), "HOME": str(folder)}
    with socket.socket(socket.AF_UNIX) as listener, (folder / "log").open("wb") as log:
        listener.bind(str(where))
        listener.listen()
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _TEMPLATE, "test", str(listener.fileno()), " " * 300],
            pass_fds=[listener.fileno()],
            env={**environment, "OF_THE_TEMPLATE": "1"},
            stderr=log,
        )
    made = Template(process, where, folder, environment)
    try:
        # Until everything besides has been tried.
        wait_until(lambda: "broken_here is not prepared" in (folder / "log").read_text(), 60)
        yield made
    finally:
        for fork in made.claimed:
            fork.kill()
            fork.wait(30)
        process.kill()
        process.wait()
