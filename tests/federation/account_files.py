"""The files in which a centre writes its accounts down."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tests.federation.accounts import SYSTEM, accounts_of, people_of
from tests.federation.shape import CentreShape
from tests.federation.writing import put

__all__ = ["ACCOUNT_COMMAND", "write_accounts"]

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
    """passwd, group, shadow, and a home of mode 0700 for each account."""
    accounts = accounts_of(centre)
    passwd = [f"{name}:x:{uid}:{uid}:{name}:/root:/usr/sbin/nologin" for name, uid in SYSTEM.items()]
    passwd[0] = "root:x:0:0:root:/root:/bin/bash"
    passwd += [f"{who.name}:x:{who.uid}:{who.uid}:{who.name}:{who.home}:/bin/bash" for who in accounts]
    group = [f"{name}:x:{uid}:" for name, uid in {**SYSTEM, "tty": 5}.items()]
    group += [f"{who.name}:x:{who.uid}:" for who in accounts]
    # "*" is no password; "!" would be a locked account, which sshd refuses without PAM.
    shadow = [f"{name}:*:19700:0:99999:7:::" for name in (*SYSTEM, *(who.name for who in accounts))]
    for name, lines in {"passwd": passwd, "group": group, "shadow": shadow}.items():
        put(etc / name, "\n".join(lines) + "\n", mode=0o600 if name == "shadow" else 0o644)
    people = "".join(f"{user} {account}\n" for user, account in people_of(centre).items())
    put(etc / "sampan" / "account-of", _ACCOUNT_OF, mode=0o755)
    put(etc / "sampan" / "accounts", people)
    for who in accounts:
        home = homes / who.name
        home.mkdir(mode=0o700, exist_ok=True)
        os.chown(home, who.uid, who.uid)
