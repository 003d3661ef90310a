"""What a centre's operators put into their sshd's configuration, so that the hub may come in, and nobody else by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sampan_hub.authority import State
from sampan_hub.certificates import Purpose

__all__ = ["CONFIG", "FOLDER", "GATE", "REVOKED", "principal_line", "sshd_files"]

FOLDER: Final = "/etc/ssh/sampan"
REVOKED: Final = f"{FOLDER}/revoked"
CONFIG: Final = "/etc/ssh/sshd_config.d/sampan.conf"
GATE: Final = "/usr/bin/python3 -I -S /usr/local/libexec/sampan-gate"
_RIGHTS: Final[Mapping[Purpose, str]] = {
    Purpose.PERSON: "restrict",
    Purpose.SERVICE: "restrict,port-forwarding,pty",
}
"""What sshd grants to whom: nothing but commands; for the service account the way to the nodes and a terminal besides."""


def principal_line(account: str, purpose: Purpose) -> str:
    """The one line of the account's principals file. Its `command` binds the hub's logins alone, never the person's own."""
    return f'{_RIGHTS[purpose]},command="{GATE}" sampan:{account}'


_FOR_ALL: Final = f"""\
TrustedUserCAKeys {FOLDER}/ca.pub
AuthorizedPrincipalsFile {FOLDER}/principals/%u
RevokedKeys {REVOKED}
"""
_FOR_SERVICE: Final = """\
Match User {account}
    AuthorizedKeysFile none
    PasswordAuthentication no
    KbdInteractiveAuthentication no
    AllowTcpForwarding local
    AllowStreamLocalForwarding no
    PermitListen none
    # To your nodes alone, where you can name them:
    # PermitOpen n1:* n2:*
    PermitTunnel no
    AllowAgentForwarding no
    X11Forwarding no
    ClientAliveInterval 15
Match all
"""
"""A line of principals lets forward all or nothing: sockets of the login node, munge's among them, and listening as well."""


def sshd_files(centre: str, state: State, accounts: Mapping[str, Purpose]) -> Mapping[str, str]:
    """Path at the centre → its text; of the persons' files, which are all alike, one."""
    trusted = "".join(f"{key.public} sampan:{state.hub}:{centre}:{key.number}\n" for key in state.trusted)
    service = [account for account, purpose in accounts.items() if purpose is Purpose.SERVICE]
    files = {
        f"{FOLDER}/ca.pub": trusted,
        CONFIG: _FOR_ALL + "".join(_FOR_SERVICE.format(account=account) for account in service),
    }
    shown: set[Purpose] = set()
    for account, purpose in accounts.items():
        if purpose not in shown:
            files[f"{FOLDER}/principals/{account}"] = principal_line(account, purpose) + "\n"
            shown.add(purpose)
    return files
