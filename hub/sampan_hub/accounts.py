"""From a person at the hub to an account at a centre: one to one, and never by guessing from the name."""

from __future__ import annotations

import hashlib
import os
import pwd
import re
from typing import TYPE_CHECKING, Final

from sampan.errors import Forbidden, Unavailable
from sampan.messages import text
from sampan_hub.asks import Ask, Completed
from sampan_hub.descriptor import ACCOUNT
from sampan_hub.descriptor import Accounts as AccountFacts
from sampan_hub.system_accounts import is_system_account

if TYPE_CHECKING:
    from sampan_hub.centre import Centre

__all__ = ["Accounts", "shared_account", "slug"]

_PLAIN: Final = re.compile(r"[a-z][a-z0-9-]{0,30}")
_LONGEST_NAME: Final = 255
_FIRST_PERSON: Final = 1000
"""Below are the system's numbers: https://manpages.debian.org/bookworm/login/login.defs.5.en.html (UID_MIN)."""


def slug(user: str) -> str:
    """A folder name for a hub user, different for different users.

    A plain name stays itself; anything else (`A` beside `a`, `../x`, `a;id`, look-alikes of other scripts) becomes what
    is plain of it with a hash of all of it behind two dashes, which no plain name has.
    """
    if _PLAIN.fullmatch(user) and "--" not in user:
        return user
    kept = re.sub(r"[^a-z0-9]+", "-", user.lower().encode("ascii", "ignore").decode())[:16].strip("-")
    return f"{kept or 'user'}--{hashlib.sha256(user.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"


def shared_account(facts: AccountFacts) -> tuple[str, bool]:
    """The one account of a centre with `shared`, and whether jobs may run as it: never as root's or a system's.

    Where the descriptor names none it is the broker's own: root, if root started it.
    """
    try:
        account = facts.account or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        # A number without a name, as containers have it: nobody whose jobs could be told from root's.
        return str(os.getuid()), False
    try:
        of_root = pwd.getpwnam(account).pw_uid == 0
    except KeyError:
        of_root = False  # there is none of that name here, which the transport says
    return account, not (of_root or is_system_account(account))


class Accounts:
    """One centre's accounts, asked for once each while the centre's description stands."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._known: dict[str, str] = {}

    async def of(self, user: str) -> str:
        """The account of a hub user there.

        Raises `Forbidden` where this person has none, where the answer would put two people on one account, or where it
        is the system's, and `Unavailable` where the centre's command could not be asked.
        """
        facts = self._centre.descriptor.accounts
        if facts.method == "shared":
            of_all, may_run = shared_account(facts)
            if not may_run:
                raise self._no("centre.shared_account", "shared by all", account=of_all)
            return of_all
        if user in self._known:
            return self._known[user]
        account = facts.table.get(user) if facts.method == "table" else await self._ask(user)
        if account is None or not re.fullmatch(ACCOUNT, account) or self._is_the_systems(account):
            raise self._no("centre.account", f"{user!r} is mapped to {account!r}")
        # Looked up after the question: two people may have been asked about at the same time.
        if self._known.get(user, account) != account or any(
            other == account for name, other in self._known.items() if name != user
        ):
            raise self._no("centre.account", f"{account!r} belongs to somebody else already")
        self._known[user] = account
        return account

    def _is_the_systems(self, account: str) -> bool:
        """By its name, and on this machine by its number too: there are more of them than anybody can list."""
        if is_system_account(account) or self._centre.descriptor.endpoint.transport != "local":
            return is_system_account(account)
        try:
            return pwd.getpwnam(account).pw_uid < _FIRST_PERSON
        except KeyError:
            return False  # there is none of that name here, which the transport says

    async def _ask(self, user: str) -> str | None:
        """What the command prints for this name, which travels on standard input; a name that is no line is not asked."""
        if not user.isprintable() or len(user) > _LONGEST_NAME:
            return None
        command = self._centre.descriptor.accounts.command
        return await self._centre.ask(Ask("account", command, _account, f"{user}\n".encode()))

    def _no(self, code: str, cause: str, **params: str) -> Forbidden:
        names = self._centre.descriptor.names.model_dump()
        return Forbidden(code, cause=cause, centre=text(names), **params)


def _account(done: Completed) -> str | None:
    """Nothing printed means no account; a command that fails has not said that."""
    if done.status != 0:
        raise Unavailable("centre.accounts", cause=f"exit {done.status}: {done.stderr.strip()[-300:]}")
    return done.stdout.strip() or None
