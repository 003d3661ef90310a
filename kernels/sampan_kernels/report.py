"""How the launcher says where it is: one small file in the attempt's directory, seen whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Final

__all__ = ["FILE", "PROTOCOL", "SPEAKS", "write_report"]

PROTOCOL: Final = 2
"""1: a server. 2: kernels as well, their connection told over the link, and restarted in the same job."""
SPEAKS: Final = (PROTOCOL, 1)
"""Every version that the launcher speaks on its link."""
FILE: Final = "report.json"


def write_report(directory: Path, *, nonce: str, port: int, node: str, pid: int, host_key: str) -> None:
    """Writes `report.json`, mode 0600, in one step: the broker never reads half of it.

    `host_key` is the public half; the private one is in this process's memory and nowhere else.
    """
    fields = {
        # The report reads as in the oldest that we speak, so that an older hub reads it; the greeting says the rest.
        "protocol": min(SPEAKS),
        "nonce": nonce,
        "port": port,
        "node": node,
        "pid": pid,
        "host_key": host_key,
    }
    draft = directory / f".{FILE}.{secrets.token_hex(8)}"
    # O_EXCL: never through a link or into a file that somebody laid there before us.
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(fields, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(directory / FILE)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
