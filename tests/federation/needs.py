"""What the federation needs of this machine, and the sentence that says what is missing and how to get it."""

from __future__ import annotations

import os
import shutil
from typing import Final

__all__ = ["missing"]

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


def missing() -> str | None:
    """None where all is there."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    packages = sorted({package for name, package in _PROGRAMS.items() if not shutil.which(name, path=path)})
    if packages:
        wanted = " ".join(packages)
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
