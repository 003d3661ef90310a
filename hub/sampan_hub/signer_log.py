"""The signer's log: one line of JSON for each thing that was asked of it, on standard error."""

from __future__ import annotations

import datetime as dt
import json
import sys
import time

__all__ = ["moment", "record"]


def record(event: str, *, peer: tuple[int, int], **fields: object) -> None:
    """One line of JSON in the signer's log; OSError where it cannot be written."""
    line = {"at": moment(time.time()), "event": event, **fields, "pid": peer[0], "uid": peer[1]}
    print(json.dumps(line, ensure_ascii=False), file=sys.stderr, flush=True)


def moment(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="seconds")
