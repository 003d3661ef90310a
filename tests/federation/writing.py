"""Writing a file of a centre."""

from __future__ import annotations

import os
from pathlib import Path

from tests.federation.accounts import SYSTEM

__all__ = ["put"]


def put(path: Path, content: str | bytes, mode: int = 0o644, owner: str = "root") -> None:
    """Writes a file whole; whoever reads meanwhile reads the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.write_bytes(content.encode() if isinstance(content, str) else content)
    draft.chmod(mode)
    os.chown(draft, SYSTEM[owner], SYSTEM[owner])
    draft.rename(path)
