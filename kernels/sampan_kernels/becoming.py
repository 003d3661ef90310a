"""In a fork: it hears whom it is to be, and becomes what a plain start of that program would have become."""

from __future__ import annotations

import ctypes
import json
import locale
import os
import random
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["HEAD", "LARGEST", "PROTOCOL", "Task", "become", "hear"]

PROTOCOL: Final = 1
"""Of claims; another one is refused."""
HEAD: Final = struct.Struct("!I")
"""Before a claim: its length in bytes. With its first byte come the descriptors of standard output and error."""
LARGEST: Final = 4 << 20
_PATIENCE: Final = 10.0
"""Seconds for a claim to be said."""
_GRACE: Final = 8.0
_READ_ONCE: Final = (
    *("PYTHON", "LD_", "DASK_", "MPL", "OMP_", "MKL_", "OPENBLAS_", "BLIS_", "NUMEXPR_", "GOTO_", "KMP_"),
    *("NPY_", "NUMPY_", "PANDAS_", "CUDA_", "ROCR_", "HIP_"),
    *("JUPYTERHUB_ALLOW_", "JUPYTERHUB_XSRF_", "JUPYTER_ALLOW_"),
)
"""How the names of variables begin that libraries read when they are imported or loaded, and never again."""
_OF_A_START: Final = "JPY_PARENT_PID"


@dataclass(frozen=True, slots=True)
class Task:
    """What a fork is to run: `argv` is a Python's, as of a plain start; `tie` is open as long as whoever asked for it lives."""

    program: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    directory: str
    tie: socket.socket


def hear(tie: socket.socket, program: str) -> Task | None:
    """What this fork is to become, with its output where it belongs; None, and the asker told why, where it must not."""
    tie.settimeout(_PATIENCE)
    try:
        told, outputs = _claim(tie)
        task = Task(program, tuple(told["argv"]), told["env"], told["cwd"], tie)
        if why := _off(told, task):
            tie.sendall(json.dumps({"refused": why}).encode() + b"\n")
            return None
        os.chdir(task.directory)
    except (OSError, ValueError, KeyError, TypeError):
        # Nobody is there any more, or it is nobody of ours: a plain start will say what is wrong.
        return None
    os.setsid()
    with Path(os.devnull).open("rb") as nothing:
        for place, handle in enumerate((nothing.fileno(), *outputs)):
            os.dup2(handle, place)
    for handle in outputs:
        os.close(handle)
    pidfd = os.pidfd_open(os.getpid())
    try:
        socket.send_fds(tie, [json.dumps({"pid": os.getpid()}).encode() + b"\n"], [pidfd])
    except OSError:  # whoever asked has given up, and starts it plainly
        return None
    finally:
        os.close(pidfd)
    tie.settimeout(None)
    return task


def become(task: Task) -> None:
    """Runs the program as `__main__` would; what it returns or raises is this process's end."""
    _forget(task)
    threading.Thread(target=_hold, args=(task.tie,), name="tie", daemon=True).start()
    sys.modules[task.program].main()


def _claim(tie: socket.socket) -> tuple[dict[str, Any], list[int]]:
    head, outputs, _, _ = socket.recv_fds(tie, HEAD.size, 2)
    while len(head) < HEAD.size and (more := tie.recv(HEAD.size - len(head))):
        head += more
    [left] = HEAD.unpack(head) if len(head) == HEAD.size else [LARGEST + 1]
    if left > LARGEST or len(outputs) != 2:
        raise ValueError("no claim of ours")
    parts = []
    while left and (part := tie.recv(min(left, 1 << 16))):
        parts.append(part)
        left -= len(part)
    return json.loads(b"".join(parts)), outputs


def _off(told: Mapping[str, Any], task: Task) -> str:
    """Why a plain start would be another one than this; empty where it would be the same."""
    if told.get("protocol") != PROTOCOL:
        return f"this template speaks protocol {PROTOCOL}"
    if [part for part in task.argv[1:] if part != "-P"][:2] != ["-m", task.program]:
        return f"this template is one of {task.program}"
    if os.path.realpath(task.argv[0]) != os.path.realpath(sys.executable):
        return f"this template is one of {sys.executable}"
    names = {name for name in (*os.environ, *task.environment) if name.startswith(_READ_ONCE)}
    other = sorted(name for name in names if os.environ.get(name) != task.environment.get(name))
    return f"another value of {', '.join(other)}" if other else ""


def _forget(task: Task) -> None:
    """Whatever of the template would show, or would be the same in two forks."""
    # The number of a parent that is not this one's: the tie takes its place.
    os.environ.clear()
    os.environ.update({**task.environment, **({_OF_A_START: "1"} if _OF_A_START in task.environment else {})})
    signal.signal(signal.SIGINT, signal.default_int_handler)
    time.tzset()
    with suppress(locale.Error):
        locale.setlocale(locale.LC_CTYPE, "")
    tempfile.tempdir = None
    start = list(task.argv).index(task.program)
    sys.argv = [str(getattr(sys.modules[task.program], "__file__", "")), *task.argv[start + 1 :]]
    sys.orig_argv[:] = task.argv
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "multiprocessing.process" in sys.modules:
        processes: Any = sys.modules["multiprocessing.process"]
        processes.current_process().authkey = os.urandom(32)
        processes.ORIGINAL_DIR = task.directory
    _entitle(task.argv)


def _entitle(argv: tuple[str, ...]) -> None:
    """Shows the fork's own arguments in the list of processes, as far as the template's leave room. proc(5), fields 48 and 49."""
    with suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        begin, end = int(fields[45]), int(fields[46])
        room = end - begin
        ctypes.memmove(begin, b"\0".join(map(os.fsencode, argv))[: room - 1].ljust(room, b"\0"), room)


def _hold(tie: socket.socket) -> None:
    """Ends this process when whoever asked for it has ended, as a plain one's would."""
    with suppress(ConnectionError):
        # Nothing is ever said here; only its end counts.
        while tie.recv(1):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE)
    os.kill(os.getpid(), signal.SIGKILL)
