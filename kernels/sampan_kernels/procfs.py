"""What /proc says of processes: proc(5). Standard library only: it runs where nothing of ours but this package is.

A process is named by its number and its start (clock ticks since boot), because numbers are used again.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, NamedTuple

__all__ = [
    "Process",
    "boot_id",
    "dead_below",
    "descendants",
    "kill",
    "marked",
    "memory_mib",
    "now_ticks",
    "of_account",
]

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_MIB: Final = 1 << 20


class Process(NamedTuple):
    pid: int
    start: int
    """Clock ticks from boot to its start."""
    parent: int = 0


def boot_id() -> str:
    """Names this boot of the machine: a start time of another one means nothing."""
    return _read("/proc/sys/kernel/random/boot_id").decode().strip()


def now_ticks() -> int:
    """The present moment as processes' start times are given."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


def descendants(pid: int) -> list[Process]:
    """Every living process below `pid`. A subreaper's orphans count as its children, so none of a job is missed."""
    return _below([pid], _all())


def dead_below(pid: int) -> list[int]:
    """Children of `pid` that have ended and that nobody has waited for yet."""
    dead = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            fields = _read(f"/proc/{entry.name}/stat").rpartition(b")")[2].split()
            if len(fields) > 1 and fields[0] == b"Z" and int(fields[1]) == pid:
                dead.append(int(entry.name))
    return dead


def marked(mark: str) -> list[Process]:
    """Processes whose environment holds `mark` ("NAME=value"), and all below them.

    Environments can be read of one's own account's processes, or as root.
    """
    wanted = mark.encode()
    everything = _all()
    found = {process.pid: process for process in everything if wanted in _environment(process.pid)}
    found.update((process.pid, process) for process in _below(found, everything))
    return list(found.values())


def of_account(uid: int, since: int) -> list[Process]:
    """Processes of that account that started at `since` (ticks) or later: all that a stranger can tell."""
    found = []
    for process in _all():
        with suppress(OSError):
            if process.start >= since and os.stat(f"/proc/{process.pid}").st_uid == uid:  # noqa: PTH116
                found.append(process)
    return found


def memory_mib(processes: Iterable[Process], enough: int) -> tuple[int, bool]:
    """Memory of these processes together, in whole MiB upwards, and whether that is exact.

    Exact is the sum of proportional set sizes: what is shared between them counts once. Reading that walks page tables,
    so while the far cheaper sum of resident sizes, never smaller, is at most `enough` that one is returned.
    """
    chosen = list(processes)
    resident = sum(_resident(process.pid) for process in chosen)
    if resident <= enough * _MIB:
        return -(-resident // _MIB), False
    return -(-sum(_proportional(process.pid) for process in chosen) // _MIB), True


def kill(processes: Iterable[Process], number: signal.Signals) -> None:
    """Sends a signal to each. Who has gone meanwhile is no error, and who has the number now is not hit."""
    for process in processes:
        with suppress(ProcessLookupError, PermissionError):
            try:
                handle = os.pidfd_open(process.pid)
            except (AttributeError, OSError) as error:
                if isinstance(error, OSError) and error.errno != errno.ENOSYS:
                    raise
                # Linux before 5.3: between this look and the signal the number could be used again, in theory.
                if _is(process):
                    os.kill(process.pid, number)
                continue
            try:
                if _is(process):
                    signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)


def _is(process: Process) -> bool:
    now = _stat(process.pid)
    return now is not None and now.start == process.start


def _below(roots: Iterable[int], everything: list[Process]) -> list[Process]:
    children: dict[int, list[Process]] = {}
    for process in everything:
        children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    waiting = list(roots)
    while waiting:
        below = children.pop(waiting.pop(), [])
        found += below
        waiting += [process.pid for process in below]
    return found


def _all() -> list[Process]:
    """Every living process; what is dead but not buried yet holds nothing any more."""
    with os.scandir("/proc") as entries:
        pids = [int(entry.name) for entry in entries if entry.name.isdigit()]
    return [process for process in map(_stat, pids) if process is not None]


def _stat(pid: int) -> Process | None:
    # Behind the name in parentheses, which may hold anything: the state is the first field, the parent the second, the
    # start time the twentieth.
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    if len(fields) < 20 or fields[0] in (b"Z", b"X"):
        return None
    return Process(pid, int(fields[19]), int(fields[1]))


def _environment(pid: int) -> list[bytes]:
    return _read(f"/proc/{pid}/environ").split(b"\0")


def _resident(pid: int) -> int:
    """Bytes in memory, shared ones in full; 0 where nothing can be read."""
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * _PAGE if len(fields) > 1 else 0


def _proportional(pid: int) -> int:
    """Bytes, shared ones divided by their sharers; the resident size where another account's are not told."""
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return _resident(pid)


def _read(path: str) -> bytes:
    """A file of /proc; empty where the process has gone or is not ours to look into."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    parts = []
    try:
        while part := os.read(handle, 65536):
            parts.append(part)
    except OSError:
        return b""
    finally:
        os.close(handle)
    return b"".join(parts)
