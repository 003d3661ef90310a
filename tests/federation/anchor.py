"""The first process of a host: enters namespaces of its own, builds the host's file tree, and then only stays.

Run as `python -m tests.federation.anchor`. Reads one line of JSON on standard input (`{"name", "top", "mounts"}`), prints
the pid that stays, waits for the line `go` (so that the pid is written down before anything else happens), builds, prints
`ready`; or `failed: …` instead. Nothing of it is left when it is ready but a shell that waits.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, Final

__all__ = ["main"]

_NEW: Final = 0x00020000 | 0x04000000 | 0x08000000 | 0x20000000 | 0x40000000
"""CLONE_NEWNS, NEWUTS, NEWIPC, NEWPID, NEWNET of unshare(2)."""
_READ_ONLY, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 1, 32, 4096, 16384, 1 << 18
_DETACH: Final = 2

_libc = ctypes.CDLL(None, use_errno=True)

# A shell reaps what is left to it; as the first process of its namespace it is ended by SIGKILL alone.
_STAY: Final = "trap '' HUP INT TERM QUIT; while :; do sleep 1000000 & wait $!; done"


def main() -> int:
    told = json.loads(sys.stdin.readline())
    try:
        _call("unshare", _NEW)
    except OSError as error:
        print(f"failed: {error}", flush=True)
        return 1
    child = os.fork()
    if child:
        print(child, flush=True)
        return 0
    os.setsid()
    if sys.stdin.readline() != "go\n":
        return 1
    try:
        _build(told)
    except OSError as error:
        print(f"failed: {error}", flush=True)
        return 1
    print("ready", flush=True)
    return _stay()


def _stay() -> int:
    null = os.open("/dev/null", os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    # Python ignores these two; whoever is started from here on would as well.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    os.execve("/bin/sh", ["anchor", "-c", _STAY], {"PATH": "/usr/bin:/bin"})  # noqa: S606 (becomes it, forks nothing)


def _build(told: dict[str, Any]) -> None:
    """A root of named parts: what is not named does not exist on the host."""
    os.umask(0o022)
    # Otherwise what is mounted here would appear on the machine as well.
    _mount("none", "/", "", _RECURSIVE | _PRIVATE)
    top = told["top"]
    _mount("tmpfs", top, "tmpfs", 0, "mode=755")
    for kind, source, target in told["mounts"]:
        _PARTS[kind](source, f"{top}{target}")
    os.chdir(top)
    _call("pivot_root", b".", b".")
    _call("umount2", b".", _DETACH)
    os.chdir("/")
    name = told["name"].encode()
    _call("sethostname", name, len(name))


def _folder(source: str, target: str) -> None:
    """`source` is its mode, in octal."""
    Path(target).mkdir(parents=True, exist_ok=True)
    Path(target).chmod(int(source, 8))


def _link(source: str, target: str) -> None:
    Path(target).symlink_to(source)


def _bind(source: str, target: str) -> None:
    if Path(source).is_dir():
        Path(target).mkdir(parents=True, exist_ok=True)
    else:
        Path(target).touch()
    _mount(source, target, "", _BIND)


def _bind_all(source: str, target: str) -> None:
    """With everything that is mounted below it."""
    Path(target).mkdir(parents=True, exist_ok=True)
    _mount(source, target, "", _BIND | _RECURSIVE)


def _bind_read_only(source: str, target: str) -> None:
    _bind(source, target)
    _mount("none", target, "", _BIND | _REMOUNT | _READ_ONLY)


def _tmpfs(source: str, target: str) -> None:
    """`source` is its mode, in octal."""
    Path(target).mkdir(parents=True, exist_ok=True)
    _mount("tmpfs", target, "tmpfs", 0, f"mode={source}")


def _proc(source: str, target: str) -> None:
    Path(target).mkdir(parents=True, exist_ok=True)
    _mount("proc", target, "proc", 0)


def _terminals(source: str, target: str) -> None:
    Path(target).mkdir(parents=True, exist_ok=True)
    _mount("devpts", target, "devpts", 0, "newinstance,ptmxmode=0666,mode=620,gid=5")


_PARTS: Final = {
    "folder": _folder,
    "link": _link,
    "bind": _bind,
    "bind-all": _bind_all,
    "read-only": _bind_read_only,
    "tmpfs": _tmpfs,
    "proc": _proc,
    "terminals": _terminals,
}


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    words = (source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), options.encode())
    _call("mount", *words)


def _call(name: str, *words: Any) -> None:
    if getattr(_libc, name)(*words) != 0:
        number = ctypes.get_errno()
        raise OSError(
            number, f"{name}{tuple(w for w in words if isinstance(w, bytes))}: {os.strerror(number)}"
        )


if __name__ == "__main__":
    sys.exit(main())
