"""What /proc says of processes: proc(5). Standard library only: it runs where nothing of ours but this package is."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

__all__ = ["alive", "boot_id", "descendants", "kill", "marked", "memory_mib", "start_time"]


def boot_id() -> str:
    """Names this boot of the machine: a process number of another one means nothing."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_time(pid: int) -> int | None:
    """Clock ticks from boot to the start of the process; None where there is none, or only its remains."""
    fields = _stat(pid)
    # Fields after the name in parentheses, which may hold spaces: state is the first, start time the twentieth.
    return None if fields is None or fields[0] in ("Z", "X") else int(fields[19])


def alive(pid: int, started: int) -> bool:
    """Whether this very process runs: a number that was used again has another start time."""
    return start_time(pid) == started


def descendants(pid: int) -> list[int]:
    """Every process below `pid`, deepest last. A subreaper's orphans count as its children, so none is missed."""
    children: dict[int, list[int]] = {}
    for other in _pids():
        fields = _stat(other)
        if fields is not None and fields[0] not in ("Z", "X"):
            children.setdefault(int(fields[1]), []).append(other)
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def marked(mark: str) -> list[int]:
    """Processes whose environment holds `mark` ("NAME=value"): readable for one's own account's processes, or as root."""
    wanted = mark.encode()
    found = []
    for pid in _pids():
        with suppress(OSError):
            if (
                wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                and start_time(pid) is not None
            ):
                found.append(pid)
    return found


def memory_mib(pids: Iterable[int]) -> int:
    """Proportional set size of these processes together, in MiB: what is shared between them counts once."""
    total = 0
    for pid in pids:
        with suppress(OSError, ValueError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
                    break
    return total // 1024


def kill(pids: Iterable[int], number: signal.Signals) -> None:
    """Sends a signal to each; who has gone meanwhile is no error."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()
