"""JupyterLab's own files, alike wherever its version is: what a session and the hub's machine call them by.

Their names hold a hash of what is in them (those that are made by its build, and only these are served), so that names and
sizes together say which files they are.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from pathlib import Path
from typing import Final

__all__ = ["FOLDER", "NAME", "digest", "hashed"]

FOLDER: Final = Path(sys.prefix) / "share" / "jupyter" / "lab" / "static"
"""Where the package `jupyterlab` puts them in this environment."""
NAME: Final = re.compile(r"(?:[A-Za-z0-9_~-]+\.)*[0-9a-f]{16,20}\.[a-z0-9]{2,5}")


def hashed(folder: Path = FOLDER) -> dict[str, int]:
    """Name → bytes of each file that its name tells from every other; none where there is no such folder."""
    try:
        with os.scandir(folder) as found:
            return {one.name: one.stat().st_size for one in found if NAME.fullmatch(one.name)}
    except OSError:
        return {}


def digest(files: dict[str, int]) -> str:
    """The name of a set of files: 32 hexadecimal digits, or nothing for none."""
    if not files:
        return ""
    said = "\n".join(f"{name} {size}" for name, size in sorted(files.items()))
    return hashlib.sha256(said.encode()).hexdigest()[:32]
