"""What the federation needs of this machine, and the sentence that says what is missing and how to get it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

__all__ = ["missing", "packages"]

_PROGRAMS: Final = {
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "sbatch": "slurm-client",
    "slurmdbd": "slurmdbd",
    "munged": "munge",
    "mariadbd": "mariadb-server",
    "sshd": "openssh-server",
    "ssh-keygen": "openssh-client",
    "ip": "iproute2",
    "ss": "iproute2",
    "nsenter": "util-linux",
}
"""Program → the Debian package that it comes with."""

_FILES: Final = {"usr/lib/python3.*/ensurepip/__init__.py": "python3-venv", "etc/profile.d/lmod.sh": "lmod"}
"""The same, for what is no program."""


def packages() -> set[str]:
    """All Debian packages that it takes."""
    return {*_PROGRAMS.values(), *_FILES.values()}


def missing() -> str | None:
    """None where all is there."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    lacking = {package for name, package in _PROGRAMS.items() if not shutil.which(name, path=path)}
    lacking |= {package for pattern, package in _FILES.items() if not list(Path("/").glob(pattern))}
    if lacking:
        wanted = " ".join(sorted(lacking))
        return (
            f"The test federation needs programs that are not installed: {wanted}. `make test` as root installs them, "
            f"otherwise: sudo apt-get install -y --no-install-recommends {wanted}"
        )
    if os.geteuid() != 0:
        return (
            "The test federation makes namespaces and accounts of its own, which takes root: sudo make test, or "
            "sudo .venv/bin/python -m tests.federation up"
        )
    return None
