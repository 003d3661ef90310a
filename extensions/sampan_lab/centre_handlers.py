"""The Centres panel's routes: how the centres stand, what runs for its person and its end, and where a need would go."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, TypeVar

from jupyter_server.auth.decorator import authorized
from tornado import web

from sampan_lab.centres import answer, centres, running
from sampan_lab.handlers import OwnHandler

if TYPE_CHECKING:
    from collections.abc import Callable

    from sampan.calls import Call

__all__ = ["ROUTES"]

T = TypeVar("T")


class AskingHandler(OwnHandler):
    """Passes a question on to the broker, and back what the page needs of the answer, or the broker's own refusal."""

    async def pass_on(self, call: Call[T], read: Callable[[T], Any]) -> None:
        """Answers with what `read` makes of the broker's answer."""
        from sampan.errors import SampanError

        try:
            told = await self._asking.ask(call)
        except SampanError as error:
            self.refuse(error)
            return
        self.finish(json.dumps(read(told)))


class CentresHandler(AskingHandler):
    """GET: every centre with its capacity. A page that looks counts as no activity."""

    _track_activity = False

    @web.authenticated
    @authorized
    async def get(self) -> None:
        from sampan import calls

        await self.pass_on(calls.centres(), lambda told: [asdict(one) for one in centres(told)])


class LaunchesHandler(AskingHandler):
    """GET: one's own launches that have not ended, which are followed from now on; looking counts as no activity."""

    _track_activity = False

    @web.authenticated
    @authorized
    async def get(self) -> None:
        from sampan import calls

        await self.pass_on(calls.launches(), self._shown)

    def _shown(self, told: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rows = running(told, self._asking.own)
        self._following.shown(row.id for row in rows)
        return [asdict(row) for row in rows]


class LaunchHandler(AskingHandler):
    """DELETE: asks for the end of a launch; 202."""

    @web.authenticated
    @authorized
    async def delete(self, launch: str) -> None:
        from sampan import calls

        self._activity.touch()
        self.set_status(202)
        await self.pass_on(calls.stop(launch), lambda _: {})


class PlaceHandler(AskingHandler):
    """POST `{"options"}`: what such a need would get, and why; nothing is started."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        from sampan import calls

        self._activity.touch()
        options = self.wish().get("options")
        if not isinstance(options, dict):
            raise web.HTTPError(400, "options are expected")
        await self.pass_on(calls.place(options), lambda told: asdict(answer(told)))


ROUTES: Final = {
    "centres": CentresHandler,
    "launches": LaunchesHandler,
    "launches/([a-z0-9]+)": LaunchHandler,
    "place": PlaceHandler,
}
