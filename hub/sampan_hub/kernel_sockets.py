"""A kernel as the broker knows it: where its sockets lie at its launcher, and the keys that its client needs. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from sampan.errors import Refused

__all__ = ["SOCKETS", "read_keys"]

SOCKETS: Final[Mapping[str, str]] = MappingProxyType(
    {
        name: f"run/kernel-{number}"
        for number, name in enumerate(("shell", "iopub", "stdin", "control", "hb"), 1)
    }
)
"""Name → place in the launcher's directory; the same in the launcher's own table."""
_Z85: Final = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")
_KEYS: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        "key": re.compile(r"[0-9a-f]{64}"),
        "signature_scheme": re.compile(r"hmac-sha256"),
        "curve_publickey": _Z85,
        "curve_secretkey": _Z85,
    }
)


def read_keys(answer: Mapping[str, Any]) -> dict[str, str]:
    """What a launcher said of its kernel's connection, the keys alone: it is the job's own word. `Refused` for anything else."""
    told = answer.get("connection")
    if not isinstance(told, dict):
        raise Refused("link.refused", "no connection")
    keys = {name: told.get(name) for name in _KEYS}
    for name, value in keys.items():
        if not isinstance(value, str) or not _KEYS[name].fullmatch(value):
            raise Refused("link.refused", f"{name} is none")
    return {name: str(value) for name, value in keys.items()}
