"""The routes of the Lab's page, below the server's own address: `sampan/api/…`.

They have `api` in their path, so that the door and the hub answer for a server that is away as they answer programs.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from sampan_lab.activity import Activity
from sampan_lab.asking import Asking
from sampan_lab.following import Following
from sampan_lab.session import session

if TYPE_CHECKING:
    from sampan.errors import SampanError

__all__ = ["ROUTES", "OwnHandler"]


class OwnHandler(APIHandler):
    """For whom the server lets in, as everything of it; its authorizer is asked for `sampan`."""

    auth_resource = "sampan"

    def initialize(self, asking: Asking, activity: Activity, following: Following) -> None:
        self._asking = asking
        self._activity = activity
        self._following = following

    def refuse(self, error: SampanError) -> None:
        """The broker's own words, or ours about a broker that is away."""
        self.set_status(error.status)
        self.finish(json.dumps({"message": error.message.say("en"), "error": error.message.to_json()}))

    def wish(self) -> dict[str, Any]:
        """The object that was sent; an empty one where nothing was."""
        wish = self.get_json_body() or {}
        if not isinstance(wish, dict):
            raise web.HTTPError(400, "an object is expected")
        return wish


class SessionHandler(OwnHandler):
    """GET: the session as it is now. A page that looks is no sign of a person who works: it counts as no activity."""

    _track_activity = False

    @web.authenticated
    @authorized
    async def get(self) -> None:
        told = await self._asking.launch()
        self.finish(json.dumps(asdict(session(os.environ, time.time(), told, self._activity.idle_left()))))


class MoveOnHandler(OwnHandler):
    """POST `{"minutes"?}`: a new attempt at the same centre, with a new walltime; 202, or the broker's own refusal."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        from sampan.errors import SampanError

        try:
            # What is no number of minutes the broker refuses, in its own words.
            told = await self._asking.move_on(self.wish().get("minutes"))
        except SampanError as error:
            self.refuse(error)
            return
        self.set_status(202)
        self.finish(json.dumps(asdict(session(os.environ, time.time(), told))))


class AwakeHandler(OwnHandler):
    """POST: the person is here."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        self._activity.touch()
        self.set_status(204)
        self.finish()


ROUTES: Final = {"session": SessionHandler, "move-on": MoveOnHandler, "awake": AwakeHandler}
