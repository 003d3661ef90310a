"""A process that has imported everything and forks: `python -P -m sampan_kernels.template server|kernel SOCKET BLANK`.

It runs in a person's own job, as that person, and belongs to it alone. It knows no token and no key: whoever claims a fork
hands them to the fork itself, which then is what a plain start of the same program would have become. It never has a
thread, a loop, a context or a handler of logs of its own. SOCKET is the number of a listening socket that it inherits; BLANK
is room in the list of processes for a fork's own arguments.
"""

from __future__ import annotations

import ctypes
import gc
import json
import logging
import os
import select
import signal
import site
import socket
import struct
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from sampan_kernels.becoming import Task, become, hear

__all__ = ["PROGRAMS", "digest", "main"]

PROGRAMS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "server": ("sampan_lab.singleuser", ()),
    "kernel": ("sampan_kernels.kernel", ("numpy", "xarray", "dask.array", "distributed")),
}
"""What it can become, with what is imported besides, in moments when nobody asks, where it is installed."""
_QUIET: Final = 1000
"""Milliseconds in which nobody asks, before each of the imports besides: whoever starts something has the processors first."""
_PR_SET_PDEATHSIG: Final = 1
_ROOMY: Final = 2048
"""MiB of a job's memory from which on what is imported besides finds room in it; it takes some 60."""
_READ_AT_IMPORT: Final = ("~/.config/dask", "/etc/dask")
log = logging.getLogger(__name__)


class Template:
    """`listener` is where forks are claimed."""

    def __init__(self, program: str, more: tuple[str, ...], listener: socket.socket) -> None:
        self._program, self._listener = program, listener
        self._more = [name for name in more if find_spec(name.partition(".")[0]) is not None]
        self._forks: dict[int, tuple[int, socket.socket]] = {}
        """Descriptor of a fork → its number, and where its end is told."""
        import_module(program)
        if (prepare := getattr(sys.modules[program], "prepare", None)) is not None:
            prepare()
        self._digest = digest()
        _settle()

    def serve(self) -> Task | None:
        """Until nobody may claim any more: None. In a fork it returns what that has become."""
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        while True:
            ready = poll.poll(_QUIET if self._more else None)
            for handle, _ in ready:
                if handle != self._listener.fileno():
                    poll.unregister(handle)
                    self._bury(handle)
                    continue
                if self._digest != digest():
                    log.warning("the environment has changed: another template takes this one's place")
                    return None
                claimed, _ = self._listener.accept()
                if not _mine(claimed):
                    claimed.close()
                    continue
                if (forked := self._fork(claimed)) is None:
                    return self._in_fork(claimed)
                poll.register(forked, select.POLLIN)
            if not ready:
                self._import(self._more.pop(0))

    def _import(self, name: str) -> None:
        same = self._digest == digest()
        try:
            import_module(name)
        except (
            Exception
        ):  # a package that is broken here is so in a plain start, too, for whoever asks for it
            log.exception("%s is not prepared", name)
        if same:
            # Bytecode that it has written is no change.
            self._digest = digest()
        _settle()

    def _fork(self, claimed: socket.socket) -> int | None:
        """A descriptor of the fork, None in itself."""
        pid = os.fork()
        if pid == 0:
            return None
        handle = os.pidfd_open(pid)
        self._forks[handle] = pid, claimed
        return handle

    def _in_fork(self, claimed: socket.socket) -> Task | None:
        for handle, (_, other) in self._forks.items():
            os.close(handle)
            other.close()
        self._forks.clear()
        self._listener.close()
        return hear(claimed, self._program)

    def _bury(self, handle: int) -> None:
        pid, claimed = self._forks.pop(handle)
        _, status = os.waitpid(pid, 0)
        os.close(handle)
        with suppress(OSError), claimed:
            claimed.sendall(json.dumps({"exit": os.waitstatus_to_exitcode(status)}).encode() + b"\n")


def digest() -> tuple[Any, ...]:
    """Another one when something was installed, removed or set since: folders change when a name in them does."""
    places = [*sys.path, site.getusersitepackages(), *map(os.path.expanduser, _READ_AT_IMPORT)]
    return tuple((place, _changed(place)) for place in places)


def _changed(place: str) -> int:
    with suppress(OSError):
        return Path(place).stat().st_mtime_ns
    return 0


def _settle() -> None:
    """What is here stays, and is shared by all forks: no collection looks at it, and so writes to it, again.

    Raises `RuntimeError` where an import has begun a thread, which no fork would have.
    """
    if threading.active_count() > 1:
        raise RuntimeError("a process with threads is not forked")
    gc.collect()
    gc.freeze()


def _mine(claimed: socket.socket) -> bool:
    """Whether it is this account that asks; the folder of the socket lets nobody else in, and this is asked all the same."""
    size = struct.calcsize("iII")
    _, uid, _ = struct.unpack("iII", claimed.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return bool(uid == os.geteuid())


def main(kind: str, handle: str, *_: str) -> None:
    """Ends when its environment has changed; in a fork, when the fork does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A launcher that is killed takes it along; a fork is not asked for by that. prctl(2)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
    program, more = PROGRAMS[kind]
    roomy = int(os.environ.get("SAMPAN_MEMORY_MIB", _ROOMY)) >= _ROOMY
    with socket.socket(fileno=int(handle)) as listener:
        listener.set_inheritable(False)
        task = Template(program, more if roomy else (), listener).serve()
    if task is not None:
        become(task)


if __name__ == "__main__":
    main(*sys.argv[1:])
