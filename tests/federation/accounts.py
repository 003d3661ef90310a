"""Who exists where: hub users, and their accounts at each centre."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tests.federation.shape import CentreShape

__all__ = [
    "STRANGER",
    "SYSTEM",
    "USERS",
    "Account",
    "accounts_of",
    "people_of",
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
    # People last: there will be more of them, and the others keep their UIDs.
    names = (centre.service_account, STRANGER, *people.values())
    return tuple(
        Account(
            name, centre.first_uid + n, projects.get(name, "operations" if name != STRANGER else "others")
        )
        for n, name in enumerate(names)
    )
