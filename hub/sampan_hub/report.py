"""What a job says of itself, read once and strictly: it is the first word from a place where the person's own code runs."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from sampan.errors import Refused

__all__ = ["LARGEST", "PROTOCOLS", "Report", "parse_report"]

PROTOCOLS: Final = frozenset({1, 2})
"""The versions of the report and of the talk over the link that this broker speaks: the last two."""
LARGEST: Final = 4096
"""Bytes; whoever fetches the file asks for one more and no further."""
_NODE: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_HOST_KEY: Final = re.compile(r"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}")
_FIELDS: Final = frozenset({"protocol", "nonce", "port", "node", "pid", "host_key"})


@dataclass(frozen=True, slots=True)
class Report:
    """Where an attempt's launcher listens, and the one host key that it may show."""

    protocol: int
    port: int
    node: str
    pid: int
    host_key: str

    def is_on(self, nodes: Collection[str]) -> bool:
        """Whether `nodes`, the scheduler's own answer for the job, name the reported one.

        Names are compared without their domains: a scheduler gives short ones and a machine may know its long one.
        """
        return self.node.partition(".")[0] in {node.partition(".")[0] for node in nodes}

    def to_json(self) -> dict[str, Any]:
        """For the attempt's row; the nonce has served its purpose and is not in it."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Report:
        """Reads back what :meth:`to_json` wrote; it does not validate."""
        return cls(**data)


def parse_report(text: str | bytes, nonce: str) -> Report:
    """The report of the attempt that was given `nonce`; `Refused` names the field of anything else.

    Exactly the known fields, each once, of the exact type and within its range.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(data) > LARGEST:
        raise _refused("size", f"at most {LARGEST} bytes")
    fields = _fields(data)
    if set(fields) != _FIELDS:
        raise _refused("fields", ", ".join(sorted(_FIELDS)))
    said = _text(fields, "nonce", re.compile(r"[!-~]{1,200}"))
    if not hmac.compare_digest(said.encode(), nonce.encode()):
        raise _refused("nonce", "the nonce of this attempt")
    protocol = _number(fields, "protocol", 1, 1_000_000)
    if protocol not in PROTOCOLS:
        raise _refused("protocol", " / ".join(map(str, sorted(PROTOCOLS))))
    return Report(
        protocol=protocol,
        port=_number(fields, "port", 1024, 65535),
        node=_text(fields, "node", _NODE),
        pid=_number(fields, "pid", 2, 2**22),
        host_key=_text(fields, "host_key", _HOST_KEY),
    )


def _fields(data: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(data.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _refused("json", "one JSON object", str(error)) from error
    if not isinstance(fields, dict):
        raise _refused("json", "one JSON object")
    return fields


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers may choose differently between two values of one name, so there is none."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field twice")
    return fields


def _number(fields: dict[str, Any], name: str, low: int, high: int) -> int:
    value = fields[name]
    if type(value) is not int or not low <= value <= high:  # exactly: True is an int to isinstance
        raise _refused(name, f"{low}–{high}")
    return value


def _text(fields: dict[str, Any], name: str, shape: re.Pattern[str]) -> str:
    value = fields[name]
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise _refused(name, shape.pattern)
    return value


def _refused(field: str, expected: str, cause: str = "") -> Refused:
    return Refused("link.report", cause, field=field, expected=expected)
