"""Becomes a child of `sampan up`: run as a script (`python -I -S`), it sets a process up and replaces itself.

Between fork and exec a Python process may do next to nothing safely; a small program of its own may do everything:
- the child ends when its parent does, however that happens;
- it holds the part's lock, or is not started at all: there are never two;
- sockets lie from descriptor 3 on, and LISTEN_PID is right (sd_listen_fds(3)).
"""

import ctypes
import fcntl
import json
import os
import signal
import sys

__all__ = ["LOCKED", "NOT_FOUND", "ORPHANED"]

LOCKED = 75
"""Exit code: another process holds the lock."""
ORPHANED = 76
"""Exit code: the parent was gone before we began."""
NOT_FOUND = 127
"""Exit code: the program cannot be executed; its name is on stderr."""
FIRST = 3  # SD_LISTEN_FDS_START
PR_SET_PDEATHSIG = 1


def main(plan: str) -> int:
    wanted = json.loads(plan)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != wanted["parent"]:
        return ORPHANED
    _arrange(wanted["descriptors"])
    lock = os.open(wanted["lock"], os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return LOCKED
    # Kept over exec: at the end of the process the kernel opens the lock.
    os.set_inheritable(lock, True)
    if wanted["names"]:
        os.environ["LISTEN_PID"] = str(os.getpid())
        os.environ["LISTEN_FDS"] = str(len(wanted["names"]))
        os.environ["LISTEN_FDNAMES"] = ":".join(wanted["names"])
    try:
        os.execv(wanted["argv"][0], wanted["argv"])  # noqa: S606 (an argument list, no shell)
    except OSError as error:
        print(f"{wanted['argv'][0]}: {error.strerror}", file=sys.stderr)
    return NOT_FOUND


def _arrange(descriptors: list[int]) -> None:
    """Moves descriptors to 3, 4, …: first all out of the way, then down, so that none overwrites another."""
    end = FIRST + len(descriptors)
    away = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, end) for descriptor in descriptors]
    for descriptor in descriptors:
        os.close(descriptor)
    for place, descriptor in enumerate(away, start=FIRST):
        os.dup2(descriptor, place, inheritable=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
