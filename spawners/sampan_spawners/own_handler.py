"""Who may use the hub's own small routes: the person who is logged in, from the hub's own pages, and nobody else."""

from __future__ import annotations

import json
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from tornado.web import HTTPError

from sampan.errors import SampanError
from sampan_spawners.fragments import plain

__all__ = ["OwnHandler"]


class OwnHandler(APIHandler):  # type: ignore[misc, unused-ignore]
    """For the person behind the cookie; a token, another site or somebody else's server is refused."""

    _accept_token_auth = False

    async def prepare(self) -> None:
        await super().prepare()
        if self.current_user is None or not hasattr(self.current_user, "spawners"):
            raise HTTPError(403)
        # Browsers say where a request comes from; JupyterHub's XSRF check stands behind this one.
        if self.request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            raise HTTPError(403)

    @property
    def broker(self) -> Any:
        """The broker, asked in this person's name. Raises Unreachable while its secret is not there."""
        return self.current_user.spawner.broker

    def own(self, name: str) -> Any:
        """The spawner of this person's server of that name; 404 where there is none."""
        user = self.current_user
        if name not in user.orm_spawners:
            raise HTTPError(404)
        return user.spawners[name]

    def say(self, error: SampanError) -> None:
        self.set_status(error.status)
        self.finish(json.dumps({"message": plain(error.message), "error": error.message.to_json()}))
