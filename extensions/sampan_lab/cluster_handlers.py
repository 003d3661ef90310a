"""The Clusters panel's routes: its person's Dask clusters, and how large they are to be. Their end is that of any launch."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Any, Final

from jupyter_server.auth.decorator import authorized
from tornado import web

from sampan_lab.centre_handlers import AskingHandler
from sampan_lab.clusters import clusters

__all__ = ["ROUTES"]


class ClustersHandler(AskingHandler):
    """GET: one's own clusters that have not ended, which are followed from now on; looking counts as no activity."""

    _track_activity = False

    @web.authenticated
    @authorized
    async def get(self) -> None:
        from sampan import calls
        from sampan.errors import SampanError

        try:
            told = await self._asking.ask(calls.launches())
        except SampanError as error:
            self.refuse(error)
            return
        self._following.shown(one["id"] for one in told)
        found = [one for one in told if one["kind"] == "cluster"]
        words = await asyncio.gather(*(self._word(one["id"]) for one in found))
        self.finish(json.dumps([asdict(one) for one in clusters(zip(found, words, strict=True))]))

    async def _word(self, id_: str) -> dict[str, Any] | None:
        """What its kernel said last of it; None where it has said nothing yet."""
        from sampan import calls
        from sampan.errors import SampanError

        try:
            return await self._asking.ask(calls.cluster(id_))
        except SampanError:
            return None


class SizeHandler(AskingHandler):
    """PUT `{"workers"}` or `{"minimum", "maximum"}`: how large a cluster is to be; 202. The broker judges the numbers."""

    @web.authenticated
    @authorized
    async def put(self, launch: str) -> None:
        from sampan import calls

        self._activity.touch()
        self.set_status(202)
        await self.pass_on(calls.resize(launch, self.wish()), lambda _: {})


ROUTES: Final = {"clusters": ClustersHandler, "clusters/([a-z0-9]+)/size": SizeHandler}
