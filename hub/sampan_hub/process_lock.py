"""A lock that is exactly one process: the kernel says who holds it, and lets go of it at that process's end.

POSIX record locks (man 2 fcntl): kept over exec, never inherited by a fork, so no grandchild can hold one by accident; and
F_GETLK names the holder, so that no pid file can be stale. A process loses the lock when it closes *any* descriptor of the
file: nobody but the functions here may open it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
import struct
from pathlib import Path
from typing import Final

__all__ = ["end_holder", "hold", "holder"]

# struct flock on 64-bit Linux: type, whence, start, length, pid.
FLOCK: Final = struct.Struct("@hhqqi4x")


def hold(path: Path) -> int | None:
    """Takes the lock for this process; the descriptor that keeps it, or None while another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return None
        raise
    return descriptor


def holder(path: Path) -> int | None:
    """The process that holds the lock now; not for the holder itself."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        asked = FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    finally:
        os.close(descriptor)
    return None if kind == fcntl.F_UNLCK else int(pid)


def end_holder(path: Path, number: signal.Signals) -> int | None:
    """Sends a signal to the holder, and to no other process; a pidfd that becomes readable at its end, None if none is."""
    pid = holder(path)
    if pid is None:
        return None
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    # Still the holder after we have it by its descriptor: so the descriptor is the holder's, not a reused number's.
    if holder(path) != pid:
        os.close(process)
        return None
    if not select.select([process], [], [], 0)[0]:
        signal.pidfd_send_signal(process, number)
    return process
