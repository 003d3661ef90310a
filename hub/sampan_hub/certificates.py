"""What the signer signs: for whom, for how long, and with what may be done with it. Values and a decision; no I/O.

https://man.openbsd.org/ssh-keygen#CERTIFICATES and https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.certkeys
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sampan.errors import Forbidden, Invalid, SampanError, Unavailable
from sampan.messages import Message
from sampan_hub.descriptor import Descriptor
from sampan_hub.system_accounts import is_system_account

__all__ = [
    "BACKDATED",
    "Order",
    "Purpose",
    "Request",
    "Signed",
    "certified",
    "error_line",
    "key_id",
    "order",
]

BACKDATED: Final = 120
"""Seconds before now at which a certificate begins, for a centre whose clock is behind ours."""
_CENTRE: Final = re.compile(r"[a-z][a-z0-9-]{0,30}")
_ACCOUNT: Final = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_KEY: Final = re.compile(r"ssh-ed25519 [A-Za-z0-9+/]{68}")
_CERTIFICATE: Final = re.compile(r"ssh-ed25519-cert-v01@openssh\.com [A-Za-z0-9+/]{200,6000}={0,2}")


class Purpose(enum.StrEnum):
    """As whom the hub comes."""

    PERSON = "person"
    """One person's account: commands, and nothing else."""
    SERVICE = "service"
    """The account that asks for everybody: commands, the way to the nodes, and a terminal that keeps the way quick."""


@dataclass(frozen=True, slots=True)
class Order:
    """One certificate before it is signed. Times are seconds since the epoch."""

    centre: str
    account: str
    purpose: Purpose
    key_id: str
    """The same for every certificate of this account, so that a centre can revoke them all by one line."""
    source_addresses: tuple[str, ...]
    valid_after: int
    valid_before: int

    @property
    def principal(self) -> str:
        return f"sampan:{self.account}"

    @property
    def forwards(self) -> bool:
        """Ports and a terminal; never an agent, X11 or the account's own rc file."""
        return self.purpose is Purpose.SERVICE


def certified(centre: Descriptor) -> Mapping[str, Purpose]:
    """Every account that may ever be signed for at this centre; none unless it is reached over ssh."""
    if centre.endpoint.transport != "ssh" or centre.endpoint.service_account is None:
        return {}
    accounts = centre.accounts
    people = accounts.table.values() if accounts.method == "table" else accounts.certified
    listed = dict.fromkeys(people, Purpose.PERSON) | {centre.endpoint.service_account: Purpose.SERVICE}
    # The descriptor refuses these already; what signs for people looks again.
    return {account: purpose for account, purpose in listed.items() if not is_system_account(account)}


def key_id(hub: str, centre: str, account: str, purpose: Purpose) -> str:
    """What the centre's sshd writes into its log at each login."""
    return f"sampan:{hub}:{centre}:{account}:{purpose}"


def order(centre: Descriptor, account: str, *, hub: str, now: float, minutes: int) -> Order:
    """The certificate that this account gets. Raises `Forbidden` where it is not on the centre's list."""
    purpose = certified(centre).get(account)
    if purpose is None or not centre.endpoint.source_addresses:
        raise Forbidden("signer.account", account=account, centre=centre.id)
    return Order(
        centre=centre.id,
        account=account,
        purpose=purpose,
        key_id=key_id(hub, centre.id, account, purpose),
        source_addresses=centre.endpoint.source_addresses,
        valid_after=int(now) - BACKDATED,
        valid_before=int(now) + 60 * minutes,
    )


@dataclass(frozen=True, slots=True)
class Request:
    """What the broker asks for: one line of JSON, `{"centre", "account", "key"}`, and nothing else in it."""

    centre: str
    account: str
    key: str
    """The public key, as `ssh-ed25519 AAAA…`; its private half is in the broker's memory alone."""

    def to_line(self) -> bytes:
        fields = {"centre": self.centre, "account": self.account, "key": self.key}
        return json.dumps(fields).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Request:
        """Raises `Invalid`, naming the field."""
        said = _object(line)
        if said is None or said.keys() != {"centre", "account", "key"}:
            raise Invalid("signer.request", field="(line)")
        for field, shape in (("centre", _CENTRE), ("account", _ACCOUNT), ("key", _KEY)):
            if not isinstance(said[field], str) or not shape.fullmatch(said[field]):
                raise Invalid("signer.request", field=field)
        return cls(said["centre"], said["account"], said["key"])


@dataclass(frozen=True, slots=True)
class Signed:
    """What the signer answers: `{"certificate", "valid_before"}`, or `{"error": {"code", "params", …}, "kind"}`."""

    certificate: str
    valid_before: int

    def to_line(self) -> bytes:
        return (
            json.dumps({"certificate": self.certificate, "valid_before": self.valid_before}).encode() + b"\n"
        )

    @classmethod
    def from_line(cls, line: bytes) -> Signed:
        """Raises the error that the line tells of, and `Unavailable` for a line that is no answer."""
        said = _object(line) or {}
        error, kind = said.get("error"), _KINDS.get(str(said.get("kind")))
        if isinstance(error, dict) and kind is not None:
            told = Message.from_json({"code": "", **error})
            raise kind(told.code, "", **told.params)
        text, until = said.get("certificate"), said.get("valid_before")
        if not isinstance(text, str) or not _CERTIFICATE.fullmatch(text) or type(until) is not int:
            raise Unavailable("signer.away", cause=f"no answer: {line[:200]!r}")
        return cls(text, until)


def error_line(error: SampanError) -> bytes:
    """A refusal, as the answer to a request."""
    kind = next((name for name, kind in _KINDS.items() if isinstance(error, kind)), "unavailable")
    return json.dumps({"error": error.message.to_json(), "kind": kind}).encode() + b"\n"


_KINDS: Final[Mapping[str, type[SampanError]]] = {
    "forbidden": Forbidden,
    "invalid": Invalid,
    "unavailable": Unavailable,
}


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None
