"""Accounts that belong to no person."""

from __future__ import annotations

from typing import Final

__all__ = ["is_system_account"]

_OF_SYSTEMS: Final = (
    "root toor daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc gnats nobody nfsnobody "
    "adm shutdown halt operator ftp dbus polkitd avahi chrony sshd sssd tss rpc rpcuser ntp messagebus apache nginx "
    "slurm munge mysql mariadb postgres redis ldap named postfix docker libvirt-qemu jupyterhub"
)
_SYSTEM_ACCOUNTS: Final = frozenset(_OF_SYSTEMS.split())
_SYSTEM_PREFIXES: Final = ("_", "systemd-")


def is_system_account(name: str) -> bool:
    """Whether no person is ever mapped to this account, whatever a table or a command says."""
    return name in _SYSTEM_ACCOUNTS or name.startswith(_SYSTEM_PREFIXES)
