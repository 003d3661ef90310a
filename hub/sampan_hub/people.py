"""Who is asking: JupyterHub decides who a person is; the broker believes nobody else."""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from jupyterhub.services.auth import HubAuth
from tornado.web import HTTPError

from sampan.errors import Forbidden, Unavailable

__all__ = ["Logins", "Person", "crowd"]

_ACCESS = "access:services"
_ADMIN = "admin:servers"
_CACHE_SECONDS = 60
_HUB_SECONDS = 10.0
_TOKEN = re.compile(r"[!-~]{1,512}")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a name at the hub. `hub` marks the spawner, which acts for that person with the hub's own rights.

    `server`: the name of their server that speaks for them, where one does; what it has is good while it lives.
    `within`: the launch whose job's own token speaks for them, where one does: it reaches that launch and its children.
    """

    name: str
    groups: frozenset[str] = frozenset()
    admin: bool = False
    hub: bool = False
    server: str | None = None
    within: str | None = None

    def sees(self, owner: str) -> bool:
        """Whether this person may see and touch what `owner` owns."""
        return self.name == owner or self.admin

    def reaches(self, launch: str, parent: str | None) -> bool:
        """Whether what speaks for this person is good for that launch of theirs, whose parent is the other."""
        return self.within is None or self.within in (launch, parent)

    @property
    def operates(self) -> frozenset[str]:
        """The centres that this person operates; an administrator operates all, named or not."""
        return self._named("operator")

    @property
    def provides(self) -> frozenset[str]:
        """The providers of software and data that this person speaks for."""
        return self._named("provider")

    def _named(self, role: str) -> frozenset[str]:
        prefix = f"sampan:{role}:"
        return frozenset(group.removeprefix(prefix) for group in self.groups if group.startswith(prefix))


class Logins:
    """Turns an Authorization header into a :class:`Person`, or refuses.

    Two ways in, never mixed: the hub's secret, on the broker's own unix socket only (so from this machine and account
    only); and JupyterHub tokens, checked with the hub and believed for at most 60 s.
    """

    def __init__(self, hub_api: str, service_token: str, secret: str) -> None:
        self._secret = secret
        self._auth = HubAuth(
            api_url=hub_api,
            api_token=service_token,
            cache_max_age=_CACHE_SECONDS,
            base_url="/services/sampan/",
        )

    async def who(self, authorization: str, on_behalf: str, *, local: bool) -> Person:
        """Raises `Forbidden` where the header proves nobody, `Unavailable` where the hub cannot be asked.

        `on_behalf` is a hub user's name, percent-encoded: headers have no other way to say 张三.
        """
        scheme, _, proof = authorization.strip().partition(" ")
        if scheme.lower() == "sampan":
            if not (local and on_behalf and hmac.compare_digest(proof.encode(), self._secret.encode())):
                raise Forbidden("access.token")
            return Person(unquote(on_behalf), hub=True)
        return _person(await self._told(scheme, proof))

    async def demand(self, authorization: str, scope: str) -> None:
        """Raises as `who` does, for a token without that scope of JupyterHub's. It may be a service's."""
        scheme, _, proof = authorization.strip().partition(" ")
        if scope not in _scopes(await self._told(scheme, proof)):
            raise Forbidden("access.needs_scope", scope=scope)

    async def _told(self, scheme: str, proof: str) -> dict[str, object] | None:
        """What the hub says of a token."""
        if scheme.lower() not in {"token", "bearer"} or not _TOKEN.fullmatch(proof):
            raise Forbidden("access.token")
        try:
            async with asyncio.timeout(_HUB_SECONDS):
                user: dict[str, object] | None = await self._auth.user_for_token(proof, sync=False)
        except (HTTPError, OSError, TimeoutError) as error:
            raise Unavailable("access.hub_away", cause=str(error)) from error
        return user


def _scopes(user: dict[str, object] | None) -> frozenset[str]:
    scopes = user.get("scopes") if user else None
    return frozenset(map(str, scopes)) if isinstance(scopes, list) else frozenset()


def crowd(groups: Iterable[str]) -> str | None:
    """The group in whose turn somebody starts things: the first by name of those that are no role of ours; None without one."""
    return min((group for group in groups if not group.startswith("sampan:")), default=None)


def _person(user: dict[str, object] | None) -> Person:
    if not user or user.get("kind") != "user":
        raise Forbidden("access.token")
    granted = _scopes(user)
    if not granted & {_ACCESS, f"{_ACCESS}!service=sampan"}:
        raise Forbidden("access.scope")
    groups = user.get("groups")
    return Person(
        str(user["name"]),
        frozenset(str(group) for group in groups) if isinstance(groups, list) else frozenset(),
        # A server's token is its owner's word for the owner's own things, also where the owner is an administrator.
        admin=bool(user.get("admin")) and _ADMIN in granted,
        server=_server(str(user["name"]), granted),
    )


def _server(owner: str, granted: frozenset[str]) -> str | None:
    """Whose token opens one server of its owner and no other is that server's.

    https://jupyterhub.readthedocs.io/en/stable/rbac/roles.html (the role `server`).
    """
    if "access:servers" in granted or f"access:servers!user={owner}" in granted:
        return None
    mine = f"access:servers!server={owner}/"
    return next((scope.removeprefix(mine) for scope in sorted(granted) if scope.startswith(mine)), None)
