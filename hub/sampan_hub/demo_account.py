"""The account that the embedded centres' jobs run as, where Sampan is started by root: one that can read nothing of ours."""

from __future__ import annotations

import os
import pwd
import subprocess
from typing import Final

from sampan.errors import Refused

__all__ = ["HOME", "NAME", "ensure"]

NAME: Final = "sampan-demo"
HOME: Final = "/var/lib/sampan-demo"
DEADLINE: Final = 30.0


def ensure(name: str = NAME) -> str | None:
    """The account for demo jobs, made now where it is missing; None for an ordinary user, whose jobs are its own.

    It has no password, so nobody can log in as it; a shell it has, for the terminals of a notebook. Raises Refused.
    """
    if os.getuid() != 0:
        return None
    if not _exists(name):
        why = _make(name)
        # Another start may have made it between the question and now.
        if not _exists(name):
            raise Refused("up.account", account=name, why=why)
    if pwd.getpwnam(name).pw_uid == 0:
        raise Refused("up.account", account=name, why="uid 0")
    return name


def _make(name: str) -> str:
    """What useradd has to say; its exit code says less than the account's being there."""
    options = ("--system", "--user-group", "--no-create-home", "--home-dir", HOME, "--shell", "/bin/bash")
    try:
        made = subprocess.run(
            ["/usr/sbin/useradd", *options, name],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=DEADLINE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (made.stderr.strip().splitlines() or [f"useradd {made.returncode}"])[-1]


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
