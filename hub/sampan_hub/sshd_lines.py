"""What a centre's operators put into their sshd's configuration, so that the hub may come in, and nobody else by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sampan_hub.authority import State
from sampan_hub.certificates import Purpose

__all__ = ["FOLDER", "GATE", "REVOKED", "principal_line", "sshd_files"]

FOLDER: Final = "/etc/ssh/sampan"
REVOKED: Final = f"{FOLDER}/revoked"
GATE: Final = "/usr/bin/python3 -I -S /usr/local/libexec/sampan-gate"
_RIGHTS: Final[Mapping[Purpose, str]] = {
    Purpose.PERSON: "restrict",
    Purpose.SERVICE: "restrict,port-forwarding,pty",
}
"""What sshd grants to whom: nothing but commands; for the service account the way to the nodes and a terminal besides."""


def principal_line(account: str, purpose: Purpose) -> str:
    """The one line of the account's principals file. Its `command` binds the hub's logins alone, never the person's own."""
    return f'{_RIGHTS[purpose]},command="{GATE}" sampan:{account}'


def sshd_files(centre: str, state: State, accounts: Mapping[str, Purpose]) -> Mapping[str, str]:
    """Path at the centre → its text; of the persons' files, which are all alike, one."""
    trusted = "".join(f"{key.public} sampan:{state.hub}:{centre}:{key.number}\n" for key in state.trusted)
    files = {
        f"{FOLDER}/ca.pub": trusted,
        "/etc/ssh/sshd_config.d/sampan.conf": (
            f"TrustedUserCAKeys {FOLDER}/ca.pub\n"
            f"AuthorizedPrincipalsFile {FOLDER}/principals/%u\n"
            f"RevokedKeys {REVOKED}\n"
            "ClientAliveInterval 15\n"
        ),
    }
    shown: set[Purpose] = set()
    for account, purpose in accounts.items():
        if purpose not in shown:
            files[f"{FOLDER}/principals/{account}"] = principal_line(account, purpose) + "\n"
            shown.add(purpose)
    return files
