"""What was started, so that exactly that is ended: pids with the time they started, written before the act."""

from __future__ import annotations

import json
import os
import select
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["Process", "Record", "within"]


@dataclass(frozen=True, slots=True)
class Process:
    """One process of one boot. A pid alone would after a while be somebody else's."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Process:
        return cls(pid, _started(pid), _boot())

    @property
    def alive(self) -> bool:
        try:
            return self.boot == _boot() and _started(self.pid) == self.started
        except (OSError, LookupError):
            return False

    def end(self, deadline: float = 20.0) -> None:
        """Kills it and waits until it is gone; does nothing where the pid is another process by now."""
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(self.pid)
            try:
                # Only now: what the handle leads to does not change any more.
                if not self.alive:
                    return
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                if not select.select([handle], [], [], deadline)[0]:
                    raise TimeoutError(f"process {self.pid} does not end")
            finally:
                os.close(handle)


class Record:
    """A folder, one file a thing, so that several may write at once. Read anew each time: another process may have written."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "record"

    @property
    def range(self) -> int | None:
        """The second number of the addresses; None where nothing was ever started."""
        told = self._read("range")
        return int(told) if told is not None else None

    def write_range(self, number: int) -> None:
        self._write("range", number)

    @property
    def kept(self) -> bool:
        """Whether somebody brought it up by hand, to stay."""
        return self._read("kept") is not None

    def keep(self) -> None:
        self._write("kept", True)

    def anchor(self, host: str) -> Process | None:
        told = self._read(f"host-{host}")
        return Process(**told) if told is not None else None

    def anchors(self) -> dict[str, Process]:
        names = [path.stem.removeprefix("host-") for path in self._folder.glob("host-*.json")]
        return {name: found for name in names if (found := self.anchor(name)) is not None}

    def write_anchor(self, host: str, process: Process) -> None:
        self._write(f"host-{host}", asdict(process))

    def forget_anchor(self, host: str) -> None:
        self._file(f"host-{host}").unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _read(self, name: str) -> Any:
        try:
            return json.loads(self._file(name).read_text())
        except FileNotFoundError:
            return None

    def _write(self, name: str, value: Any) -> None:
        """As a whole or not at all, and before what it tells of goes on."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._folder / f"{name}.new"
        with draft.open("w") as file:
            json.dump(value, file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._file(name))


def within(anchor: Process) -> Iterator[tuple[Process, str]]:
    """Every process in the pid namespace of an anchor, itself and the dead ones aside, with its name (comm)."""
    try:
        space = _space(anchor.pid)
    except OSError:
        return
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() or int(entry.name) == anchor.pid:
            continue
        with suppress(OSError, LookupError):
            if _space(int(entry.name)) == space:
                yield (
                    Process.of(int(entry.name)),
                    (Path(entry.path) / "comm").read_text().strip(),
                )


def _space(pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/pid").readlink())


def _started(pid: int) -> int:
    """In clock ticks since boot. Raises LookupError for one that is dead and only not buried yet."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    if fields[0] in "ZX":
        raise LookupError(pid)
    return int(fields[19])


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
