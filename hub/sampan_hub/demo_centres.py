"""The embedded centres of one state directory: written at the first start, and then the operator's to change."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from sampan.errors import Refused
from sampan_hub import demo_account
from sampan_hub.state_directory import StateDirectory

__all__ = ["place_of", "write"]

DEADLINE: Final = 30.0


def write(state: StateDirectory) -> None:
    """Describes the embedded centres where no centre is described yet, and makes what they need.

    Raises Refused where, started by root, jobs could not run as an account of their own.
    """
    descriptors = state.path / "centres"
    if any(descriptors.glob("*.yaml")):
        return
    # Only here: `sampan centres` on a machine without the broker's libraries loads this module too.
    from sampan_hub.embedded import write_embedded

    account = demo_account.ensure()
    if account is not None:
        _must_run(sys.executable, account)
    place = place_of(state.path, as_root=account is not None)
    place.mkdir(mode=0o755 if account is not None else 0o700, parents=True, exist_ok=True)
    write_embedded(descriptors, place, sys.executable, account)


def place_of(state: Path, *, as_root: bool) -> Path:
    """Where the embedded centres keep homes and jobs: beside the state, which their jobs' account must not enter."""
    if as_root:
        return Path(demo_account.HOME) / hashlib.sha256(os.fsencode(state)).hexdigest()[:8]
    return state.with_name(f"{state.name}-centres")


def _must_run(python: str, account: str) -> None:
    """A Python below /root would fail in the job only, long after the person has chosen a plan."""
    try:
        subprocess.run(
            [python, "-I", "-c", "import sampan_kernels"],
            user=account,
            group=account,
            extra_groups=[],
            cwd="/",
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Refused("up.python", cause=repr(error), account=account, python=python) from error
