"""The account that the embedded centres' jobs run as, where Sampan is started by root: one that can read nothing of ours."""

from __future__ import annotations

import os
import pwd
import subprocess
from typing import Final

from sampan.errors import Refused

__all__ = ["NAME", "ensure"]

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
        made = subprocess.run(
            [
                "useradd",
                "--system",
                "--user-group",
                "--no-create-home",
                "--home-dir",
                HOME,
                "--shell",
                "/bin/bash",
                name,
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=DEADLINE,
            check=False,
        )
        # Another start may have made it between the question and now.
        if made.returncode != 0 and not _exists(name):
            why = made.stderr.strip().splitlines()[-1:] or [f"useradd {made.returncode}"]
            raise Refused("up.account", cause=made.stderr, account=name, why=why[0])
    if pwd.getpwnam(name).pw_uid == 0:
        raise Refused("up.account", account=name, why="uid 0")
    return name


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
