"""A kernel as the broker knows it: where its sockets lie at its launcher, and the keys that its client needs. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from sampan.errors import Missing, Refused

__all__ = ["SOCKETS", "place_of", "read_keys"]

SOCKETS: Final[Mapping[str, str]] = MappingProxyType(
    {
        name: f"run/kernel-{number}"
        for number, name in enumerate(("shell", "iopub", "stdin", "control", "hb"), 1)
    }
)
"""Name → place in the launcher's directory; the same in the launcher's own table."""
_PAGES: Final = re.compile(r"pages-[0-9a-f]{8}")
"""Of the pages of a Dask scheduler that runs in the kernel, which the launcher knows by their name."""
_Z85: Final = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")
_KEYS: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        "key": re.compile(r"[0-9a-f]{64}"),
        "signature_scheme": re.compile(r"hmac-sha256"),
        "curve_publickey": _Z85,
        "curve_secretkey": _Z85,
    }
)


def place_of(name: str) -> str:
    """Where the kernel's socket of that name lies in the launcher's directory. Raises `Missing` for what is none."""
    if name in SOCKETS:
        return SOCKETS[name]
    if _PAGES.fullmatch(name):
        return f"run/{name}"
    shown = name[:16] if name.isprintable() else "?"
    raise Missing("launch.no_socket", name=shown, known=", ".join(SOCKETS))


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
