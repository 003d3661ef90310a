"""One job of the process scheduler, as the folder that holds it. Standard library only.

::

    <number>.<tag>/     0755, the submitting account's; where it lies (drafts, jobs, ended) is what has become of the job
      job.json          0644, what was asked for: public, without secrets; written once
      script            0600
      alive             0644, locked by the job's shepherd for as long as it lives
      wake              a pipe the shepherd listens at; anybody may ring, ringing only makes it look
      cancel            made by whoever may write here: the job is to end
      started.json      made once, when the job was let in: so a job never starts twice
      ended.json        how it ended

Folders belong to other accounts too, so nothing in them is believed, followed or waited for.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

__all__ = ["JobFolder", "number_of", "publish", "read_json"]

LARGEST: Final = 65536
COUNTS: Final = ("cores", "memory_mib", "accelerators")
MOST: Final = 1 << 40
DIGITS: Final = 12
"""Of a job's number at most."""


class JobFolder:
    """`asked` is the record in job.json: tag, queue, cores, memory_mib, minutes, accelerator(s), submitted_at, mark."""

    __slots__ = ("asked", "number", "path", "tag", "uid")

    def __init__(self, path: Path, uid: int, asked: dict[str, Any]) -> None:
        self.path = path
        self.uid = uid
        self.asked = asked
        self.number, self.tag = number_of(path.name), path.name.partition(".")[2]

    @classmethod
    def read(cls, path: Path) -> JobFolder | None:
        """The job of that folder; None where it is none, has just moved, or holds what cannot be."""
        try:
            found = os.lstat(path)
        except OSError:
            return None
        asked = read_json(path / "job.json")
        if not stat.S_ISDIR(found.st_mode) or asked is None or not _possible(asked):
            return None
        return cls(path, found.st_uid, asked)

    def at(self, path: Path) -> JobFolder:
        """The same job, once its folder has been moved there."""
        return JobFolder(path, self.uid, self.asked)

    @property
    def account(self) -> str:
        """Who owns the folder, whatever is written in it."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    @property
    def mine(self) -> bool:
        return os.geteuid() in (0, self.uid)

    @property
    def started(self) -> dict[str, Any] | None:
        return read_json(self.path / "started.json")

    @property
    def ended(self) -> dict[str, Any] | None:
        return read_json(self.path / "ended.json")

    def script(self, size: int) -> str:
        """The first bytes of what it was submitted with. Raises PermissionError for somebody else's."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(self.path / "script", flags), "rb") as file:
            return file.read(size).decode("utf-8", "replace")

    @property
    def cancelled(self) -> bool:
        return os.path.lexists(self.path / "cancel")

    def guard(self) -> int:
        """Takes the lock that says a shepherd lives; the kernel lets go of it with the shepherd's last breath."""
        handle = os.open(self.path / "alive", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return handle

    @property
    def guarded(self) -> bool:
        """Whether its shepherd lives. No number of a process is involved, so none can be somebody else's by now."""
        try:
            handle = os.open(self.path / "alive", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            os.close(handle)
        return False

    def listen(self) -> int:
        """The shepherd's end of the pipe. Opened for writing too, so that it never reads as closed."""
        path = self.path / "wake"
        with suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        path.chmod(0o622)
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)

    def ring(self) -> None:
        """Has the shepherd look now rather than at its next look. Nobody listening is no error."""
        with suppress(OSError):
            handle = os.open(self.path / "wake", os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if stat.S_ISFIFO(os.fstat(handle).st_mode):
                    os.write(handle, b"\0")
            finally:
                os.close(handle)

    def cancel(self) -> None:
        """Asks for the job's end. Raises PermissionError for somebody else's."""
        os.close(
            os.open(self.path / "cancel", os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        )
        self.ring()

    def remove(self) -> None:
        """Deletes the folder and what we made in it."""
        for entry in self.path.iterdir():
            with suppress(OSError):
                entry.unlink()
        with suppress(OSError):
            self.path.rmdir()


def number_of(name: str) -> int:
    """The number in a folder's name; 0, which no job has, where it is none of ours.

    Anybody may name a folder: there are digits that are no decimals, decimals that Python does not read, and 007.
    """
    digits = name.partition(".")[0]
    ours = digits.isascii() and digits.isdecimal() and len(digits) <= DIGITS and digits[0] != "0"
    return int(digits) if ours else 0


def _possible(asked: dict[str, Any]) -> bool:
    counts = [asked.get(name, 0) for name in COUNTS]
    sound = all(type(count) is int and 0 <= count <= MOST for count in counts) and asked.get("cores", 0) > 0
    return sound and type(asked.get("submitted_at")) in (int, float) and isinstance(asked.get("mark"), str)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a small regular file; None where there is none. Never waits, whatever somebody put there."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        value = json.loads(os.read(handle, LARGEST))
    except (OSError, ValueError, RecursionError):
        return None
    finally:
        os.close(handle)
    return value if isinstance(value, dict) else None


def publish(path: Path, value: dict[str, Any], *, once: bool = False) -> bool:
    """Writes a public file whole or not at all; with `once`, only where there is none. Whether it is there now by us.

    Raises OSError where it cannot be written (a full disk): then nothing has changed.
    """
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(json.dumps(value).encode())
        if once:
            os.link(draft, path)
            return True
        draft.rename(path)
        return True
    except FileExistsError:
        return False
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
