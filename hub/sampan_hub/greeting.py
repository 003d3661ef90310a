"""The first line that a launcher says over the link, read strictly: it comes from where the person's own code runs."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final

from sampan.errors import Refused
from sampan_hub.report import PROTOCOLS, Report

__all__ = ["Greeting", "parse_greeting"]

_SOCKETS: Final = re.compile(r"/tmp/sampan-[A-Za-z0-9_]{1,32}")  # noqa: S108 (a shape to hold an answer against)
_VERSION: Final = re.compile(r"[A-Za-z0-9.+!_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Greeting:
    """Who answers. `protocol` is the newest version both sides speak; `deadline` is in seconds since the epoch."""

    tag: str
    node: str
    pid: int
    version: str
    protocol: int
    sockets: str
    """The launcher's directory on its node: sockets are opened by path in it."""
    deadline: float


def parse_greeting(line: bytes, *, tag: str, report: Report) -> Greeting:
    """Raises `Refused` unless it is the launcher of the attempt called `tag`, at the place that `report` told of.

    Further fields are let be: a newer launcher may say more. `link.protocol` where no version is common to both.
    """
    said = _object(line)
    spoken = said.get("speaks")
    if not isinstance(spoken, list) or not all(type(number) is int for number in spoken):
        raise _refused("speaks")
    common = PROTOCOLS & set(spoken)
    if not common:
        raise Refused("link.protocol", spoken=_list(spoken), known=_list(PROTOCOLS))
    for field, expected in (("tag", tag), ("node", report.node), ("pid", report.pid)):
        if said.get(field) != expected:
            raise _refused(field)
    deadline = said.get("deadline")
    if isinstance(deadline, bool) or not isinstance(deadline, int | float) or not 0 <= deadline < math.inf:
        raise _refused("deadline")
    return Greeting(
        tag=tag,
        node=report.node,
        pid=report.pid,
        version=_text(said, "version", _VERSION),
        protocol=max(common),
        sockets=_text(said, "sockets", _SOCKETS),
        deadline=float(deadline),
    )


def _object(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Refused("link.greeting", str(error), field="json") from error
    said = message.get("hello") if isinstance(message, dict) else None
    if not isinstance(said, dict):
        raise _refused("hello")
    return said


def _text(said: dict[str, Any], field: str, shape: re.Pattern[str]) -> str:
    value = said.get(field)
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise _refused(field)
    return value


def _refused(field: str) -> Refused:
    return Refused("link.greeting", field=field)


def _list(numbers: Any) -> str:
    return ", ".join(map(str, sorted(numbers)[:20]))
