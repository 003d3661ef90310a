"""The processes of one `sampan up` and of its jobs, and what they listen on: as the operating system tells it."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.sampan.listeners import Listener, listeners
from tests.ways.whole_hub import WholeHub, came

__all__ = [
    "command",
    "environment",
    "everybody",
    "of_hub",
    "of_jobs",
    "ports",
    "server_of",
    "sockets",
    "words_with",
]


def everybody() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def _read(pid: int, what: str) -> bytes:
    """Empty where the process is gone or is not ours to look into."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/{what}").read_bytes()
    return b""


def command(pid: int) -> str:
    return _read(pid, "cmdline").replace(b"\0", b" ").decode("utf-8", "replace").strip()


def environment(pid: int) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in _read(pid, "environ").decode("utf-8", "replace").split("\0"))
    return {name: value for name, _, value in pairs if name}


def of_hub(hub: WholeHub) -> list[int]:
    """`sampan up` and everything below it."""
    rows = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(pid): int(parent) for pid, parent in (row.split() for row in rows.splitlines())}
    found = {hub.pid("up")}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found)


def of_jobs(hub: WholeHub) -> list[int]:
    """Every process of the jobs of this hub: they carry the tag; and the shepherds, which name the spool."""
    mark = f"sampan-{hub.secret('hub-id')}-"
    told = (hub.descriptor(centre)["scheduler"].get("spool") for centre in hub.centres)
    spools = [spool for spool in told if spool]
    return [
        pid
        for pid in everybody()
        if pid != os.getpid()
        and (
            environment(pid).get("SAMPAN_TAG", "").startswith(mark)
            or any(spool in command(pid) for spool in spools)
        )
    ]


async def server_of(hub: WholeHub, launch: str, other_than: int = 0) -> int:
    """The Jupyter server of that launch on its node, once there is one (that is another one)."""

    async def found() -> int | None:
        servers = [
            pid
            for pid in of_jobs(hub)
            if pid != other_than
            and "sampan_lab.singleuser" in command(pid)
            and environment(pid).get("SAMPAN_LAUNCH") == launch
        ]
        return servers[0] if servers else None

    pid: int = await came(found, 60)
    return pid


def ports(pids: list[int]) -> list[Listener]:
    return listeners([pid for pid in pids if Path(f"/proc/{pid}/fd").exists()])


def sockets(pids: list[int]) -> dict[str, int]:
    """Unix sockets that are listened on, by path, with their process; an abstract one begins with @."""
    found = {}
    for pid in pids:
        inodes = set()
        with suppress(OSError):
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):
                    inodes.add(descriptor.readlink().name.removeprefix("socket:[").rstrip("]"))
        # Of the network that this process is in.
        for row in _read(pid, "net/unix").decode("utf-8", "replace").splitlines()[1:]:
            fields = row.split(maxsplit=7)
            # __SO_ACCEPTCON: it listens.
            if len(fields) == 8 and int(fields[3], 16) & 0x10000 and fields[6] in inodes:
                found[fields[7]] = pid
    return found


def words_with(pids: list[int], names: tuple[str, ...]) -> dict[str, str]:
    """What stands in the environments of these processes under names that contain one of `names`."""
    return {
        name: value
        for pid in pids
        for name, value in environment(pid).items()
        if any(word in name for word in names) and len(value) > 8
    }
