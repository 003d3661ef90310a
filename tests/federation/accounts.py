"""Who exists where: hub users, their accounts at each centre, and the files in which a centre writes them down."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.federation.shape import CentreShape

__all__ = [
    "ACCOUNT_COMMAND",
    "STRANGER",
    "SYSTEM",
    "USERS",
    "Account",
    "accounts_of",
    "people_of",
    "write_accounts",
]

USERS: Final = (
    *("alice", "bob", "carol", "dave", "ann", "ben"),
    *(f"p{number:02d}" for number in range(60)),
    *("cat", "dan", "eve", "late", "somebody"),
    *("a", "a;id", "a--id", "中文名"),
)
"""Everybody who has an account at every centre; p00 to p59 are a class, the last four have names that no account has."""

_PLAIN: Final = re.compile(r"[a-z][a-z0-9]*")

STRANGER: Final = "stranger"
"""An account at every centre whose owner is none of the hub's users."""

SYSTEM: Final = {
    "root": 0,
    "daemon": 1,
    "nobody": 65534,
    "sshd": 901,
    "munge": 902,
    "slurm": 903,
    "mysql": 904,
}
"""The same UIDs at every centre, as packages would give them."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account that can log in. `project`: what its jobs are booked on."""

    name: str
    uid: int
    project: str

    @property
    def home(self) -> str:
        return f"/home/{self.name}"


def people_of(centre: CentreShape) -> dict[str, str]:
    """Hub user → account there."""
    return {
        user: centre.accounts.format(user=user if _PLAIN.fullmatch(user) else f"odd{n}", number=n)
        for n, user in enumerate(USERS, 1)
    }


def accounts_of(centre: CentreShape) -> tuple[Account, ...]:
    """Every account that can log in there: people, the service account, the stranger."""
    people = people_of(centre)
    projects = {account: "teaching" if user[1:].isdigit() else "research" for user, account in people.items()}
    names = (*people.values(), centre.service_account, STRANGER)
    return tuple(
        Account(
            name, centre.first_uid + n, projects.get(name, "operations" if name != STRANGER else "others")
        )
        for n, name in enumerate(names)
    )


ACCOUNT_COMMAND: Final = "/etc/sampan/account-of"
_ACCOUNT_OF: Final = """\
#!/bin/sh
# Reads the name of a hub user; prints the account here, or nothing.
IFS= read -r wanted || exit 1
while read -r user account; do
    [ "$user" = "$wanted" ] && echo "$account"
done </etc/sampan/accounts
exit 0
"""


def write_accounts(centre: CentreShape, etc: Path, homes: Path) -> None:
    """passwd, group, shadow and the certificates' principals, and a home of mode 0700 for each account."""
    accounts = accounts_of(centre)
    passwd = [f"{name}:x:{uid}:{uid}:{name}:/root:/usr/sbin/nologin" for name, uid in SYSTEM.items()]
    passwd[0] = "root:x:0:0:root:/root:/bin/bash"
    passwd += [f"{who.name}:x:{who.uid}:{who.uid}:{who.name}:{who.home}:/bin/bash" for who in accounts]
    group = [f"{name}:x:{uid}:" for name, uid in {**SYSTEM, "tty": 5}.items()]
    group += [f"{who.name}:x:{who.uid}:" for who in accounts]
    # "*" is no password; "!" would be a locked account, which sshd refuses without PAM.
    shadow = [f"{name}:*:19700:0:99999:7:::" for name in (*SYSTEM, *(who.name for who in accounts))]
    for name, lines in {"passwd": passwd, "group": group, "shadow": shadow}.items():
        (etc / name).write_text("\n".join(lines) + "\n")
    (etc / "shadow").chmod(0o600)
    principals = etc / "ssh" / "principals"
    principals.mkdir(parents=True, exist_ok=True)
    people = "".join(f"{user} {account}\n" for user, account in people_of(centre).items())
    for name, text, mode in (("account-of", _ACCOUNT_OF, 0o755), ("accounts", people, 0o644)):
        path = etc / "sampan" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
    for who in accounts:
        (principals / who.name).write_text(f"sampan:{who.name}\n")
        home = homes / who.name
        home.mkdir(mode=0o700, exist_ok=True)
        os.chown(home, who.uid, who.uid)
