"""The Catalogue panel's routes: where a notebook computes, what is found by words, and one entry whole."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from jupyter_server.auth.decorator import authorized
from tornado import web

from sampan_lab.catalogue import card, found, here
from sampan_lab.centre_handlers import AskingHandler
from sampan_lab.notebook_copy import copied, lies_here
from sampan_lab.session import Names, named

__all__ = ["ROUTES"]

_WORDS: Final = "([A-Za-z0-9._+-]+)"
_FACETS: Final = ("kind", "provider", "subject", "centre", "licence", "access", "generated")
LIMIT: Final = 30
"""Entries of one answer."""


class HereHandler(AskingHandler):
    """GET `?kernel=`: the centre that this kernel computes at, the session's own where that is no launch elsewhere."""

    _track_activity = False

    @web.authenticated
    @authorized
    async def get(self) -> None:
        from sampan import calls

        own = os.environ.get("SAMPAN_CENTRE", "")
        names = Names(os.environ.get("SAMPAN_CENTRE_EN") or own, os.environ.get("SAMPAN_CENTRE_ZH") or own)
        kernel = self.get_query_argument("kernel", "")
        await self.pass_on(calls.launches(), lambda told: asdict(here(told, kernel, own, names)))


class SearchHandler(AskingHandler):
    """GET `?text=&here=&offset=` and any facets: the best entries, and what each further choice would leave."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        from sampan import calls
        from sampan.errors import SampanError

        chosen = {name: values for name in _FACETS if (values := self.get_query_arguments(name))}
        place = self.get_query_argument("here", "")
        offset = self.get_query_argument("offset", "0")
        if not offset.isdecimal():
            raise web.HTTPError(400, "an offset is a number")
        self._activity.touch()
        text = self.get_query_argument("text", "")
        asked = calls.search(text, chosen, place or None, LIMIT, offset=int(offset))
        try:
            told, centres = await asyncio.gather(self._asking.ask(asked), self._asking.centres())
        except SampanError as error:
            self.refuse(error)
            return
        names = {one["id"]: named(one["names"], one["id"]) for one in centres}
        self.finish(json.dumps(asdict(found(told, place, names))))


class EntryHandler(AskingHandler):
    """GET `?here=`: one entry with the places that it is at, and its other versions; without a version the newest."""

    @web.authenticated
    @authorized
    async def get(self, provider: str, name: str, version: str = "") -> None:
        from sampan import calls
        from sampan.errors import SampanError

        self._activity.touch()
        try:
            versions = await self._asking.ask(calls.versions(provider, name))
            wanted = version or next(
                (one["version"] for one in versions if one["status"] == "published"), versions[0]["version"]
            )
            told, centres = await asyncio.gather(
                self._asking.ask(calls.entry(provider, name, wanted)), self._asking.centres()
            )
        except SampanError as error:
            self.refuse(error)
            return
        place = self.get_query_argument("here", "")
        self.finish(json.dumps(asdict(card(told, versions, centres, place))))


class PictureHandler(AskingHandler):
    """GET: the preview of an entry's data. A picture, and nothing else, wherever it is opened."""

    @web.authenticated
    @authorized
    async def get(self, provider: str, name: str, version: str) -> None:
        from sampan import calls
        from sampan.errors import SampanError

        try:
            png = await self._asking.ask(calls.picture(provider, name, version))
        except SampanError as error:
            self.refuse(error)
            return
        self.set_header("Cache-Control", "private, max-age=300")
        self.finish(png, set_content_type="image/png")


class NotebookHandler(AskingHandler):
    """POST: an entry's notebook, copied beside the person's own; `{"path"}`. It is not trusted before they run it."""

    @web.authenticated
    @authorized
    async def post(self, provider: str, name: str, version: str) -> None:
        from sampan import calls
        from sampan.errors import SampanError

        self._activity.touch()
        try:
            told = await self._asking.ask(calls.entry(provider, name, version))
            source = lies_here(told, os.environ.get("SAMPAN_CENTRE", ""))
            path = await asyncio.to_thread(copied, source, Path(self.contents_manager.root_dir), name)
        except SampanError as error:
            self.refuse(error)
            return
        self.set_status(201)
        self.finish(json.dumps({"path": path}))


ROUTES: Final[dict[str, Any]] = {
    "catalogue": SearchHandler,
    "catalogue/here": HereHandler,
    f"catalogue/{_WORDS}/{_WORDS}": EntryHandler,
    f"catalogue/{_WORDS}/{_WORDS}/{_WORDS}": EntryHandler,
    f"catalogue/{_WORDS}/{_WORDS}/{_WORDS}/picture": PictureHandler,
    f"catalogue/{_WORDS}/{_WORDS}/{_WORDS}/notebook": NotebookHandler,
}
