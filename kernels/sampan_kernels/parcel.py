"""A message between a kernel and its clients as it lies in a socket: what is needed to lead it on is read, the rest stays packed.

https://jupyter-client.readthedocs.io/en/stable/messaging.html#the-wire-protocol
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

__all__ = ["OURS", "PROTOCOL", "Parcel"]

PROTOCOL: Final = "5.3"
OURS: Final = "sampan"
"""The session in the header of what we say ourselves."""
_DELIMITER: Final = b"<IDS|MSG>"
_SIGNED: Final = 4
"""Header, parent's header, metadata and content are signed; buffers are not."""


@dataclass(frozen=True)
class Parcel:
    """`address` is whom it is from or goes to, or its topic; `parts` are header, parent's header, metadata, content, buffers."""

    address: tuple[bytes, ...]
    parts: tuple[bytes, ...]

    @classmethod
    def open(cls, frames: Sequence[bytes], key: str) -> Parcel | None:
        """What came in, None where it is not signed with `key` or is no message."""
        try:
            at = frames.index(_DELIMITER)
        except ValueError:
            return None
        parcel = cls(tuple(frames[:at]), tuple(frames[at + 2 :]))
        whole = len(parcel.parts) >= _SIGNED and hmac.compare_digest(frames[at + 1], parcel._signature(key))
        return parcel if whole else None

    @classmethod
    def make(
        cls, kind: str, content: Mapping[str, Any], parent: Parcel | Mapping[str, Any], to: tuple[bytes, ...]
    ) -> Parcel:
        """A message of our own, in answer to `parent` (an empty header: to nobody's)."""
        asked = parent.header if isinstance(parent, Parcel) else parent
        header = {
            "msg_id": secrets.token_hex(16),
            "msg_type": kind,
            "username": "sampan",
            "session": OURS,
            "date": datetime.now(UTC).isoformat(),
            "version": PROTOCOL,
        }
        return cls(to, tuple(json.dumps(part).encode() for part in (header, asked, {}, content)))

    def frames(self, key: str) -> list[bytes]:
        """As it is sent to who knows `key`."""
        return [*self.address, _DELIMITER, self._signature(key), *self.parts]

    @cached_property
    def header(self) -> dict[str, Any]:
        return _mapping(self.parts[0])

    @cached_property
    def parent(self) -> dict[str, Any]:
        return _mapping(self.parts[1])

    @cached_property
    def content(self) -> dict[str, Any]:
        return _mapping(self.parts[3])

    @property
    def kind(self) -> str:
        return str(self.header.get("msg_type", ""))

    @property
    def id(self) -> str:
        return str(self.header.get("msg_id", ""))

    def _signature(self, key: str) -> bytes:
        sum_ = hmac.new(key.encode(), digestmod="sha256")
        for part in self.parts[:_SIGNED]:
            sum_.update(part)
        return sum_.hexdigest().encode()


def _mapping(part: bytes) -> dict[str, Any]:
    try:
        found = json.loads(part)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
