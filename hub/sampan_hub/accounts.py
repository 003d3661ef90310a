"""From a person at the hub to an account at a centre: one to one, and never by guessing from the name."""

from __future__ import annotations

import hashlib
import os
import pwd
import re
from typing import TYPE_CHECKING

from sampan.errors import Forbidden, SampanError
from sampan.messages import text
from sampan_hub.asks import Ask, Completed
from sampan_hub.descriptor import SYSTEM_ACCOUNTS

if TYPE_CHECKING:
    from sampan_hub.centre import Centre

__all__ = ["Accounts", "slug"]

_ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_PLAIN = re.compile(r"[a-z][a-z0-9-]{0,30}")


def slug(user: str) -> str:
    """A folder name for a hub user, different for different users.

    A plain name stays itself; anything else (`A` beside `a`, `../x`, `a;id`, look-alikes of other scripts) becomes what
    is plain of it with a hash of all of it behind two dashes, which no plain name has.
    """
    if _PLAIN.fullmatch(user) and "--" not in user:
        return user
    kept = (
        re.sub(r"[^a-z0-9]+", "-", user.lower().encode("ascii", "ignore").decode())[:16].strip("-") or "user"
    )
    return f"{kept}--{hashlib.sha256(user.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


class Accounts:
    """One centre's accounts, asked for once each."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._known: dict[str, str] = {}

    async def of(self, user: str) -> str:
        """The account of a hub user there.

        Raises `Forbidden` where this person has none, or where the answer would put two people on one account.
        """
        facts = self._centre.descriptor.accounts
        if facts.method == "shared":
            return facts.account or pwd.getpwuid(os.getuid()).pw_name
        if user in self._known:
            return self._known[user]
        account = facts.table.get(user) if facts.method == "table" else await self._ask(user)
        if account is None or not _ACCOUNT.fullmatch(account) or account in SYSTEM_ACCOUNTS:
            raise self._none(f"{user!r} is mapped to {account!r}")
        if account in self._known.values():
            raise self._none(f"{account!r} belongs to somebody else already")
        self._known[user] = account
        return account

    async def _ask(self, user: str) -> str | None:
        command = self._centre.descriptor.accounts.command
        if any(not char.isprintable() for char in user) or len(user) > 255:
            return None
        try:
            return await self._centre.ask(Ask("account", command, _account, f"{user}\n".encode()))
        except SampanError as error:
            raise self._none(str(error)) from error

    def _none(self, cause: str) -> Forbidden:
        names = self._centre.descriptor.names.model_dump()
        return Forbidden("centre.account", cause=cause, centre=text(names))


def _account(done: Completed) -> str | None:
    return done.stdout.strip() if done.status == 0 else None
