"""Servers of which nothing is heard: what a person is told of them, and the decision that is theirs alone."""

from __future__ import annotations

import json
import time
from typing import Any

from sampan.errors import SampanError
from sampan.stages import Kind
from sampan_spawners.following import Json
from sampan_spawners.fragments import render
from sampan_spawners.own_handler import OwnHandler

__all__ = ["LetGoHandler", "UnsettledHandler", "unsettled"]


class UnsettledHandler(OwnHandler):
    """GET /hub/sampan/unsettled `?name=`: this person's silent servers (only the one of that name) as a piece of a page."""

    async def get(self) -> None:
        try:
            launches = await self.broker.launches()
        except SampanError as error:
            self.say(error)
            return
        name = self.get_argument("name", None, strip=False)
        silent = [launch for launch in unsettled(launches) if name is None or launch["name"] == name]
        html = render("unsettled.html", rows=[_row(launch) for launch in silent]) if silent else ""
        self.finish(json.dumps({"html": str(html)}))


class LetGoHandler(OwnHandler):
    """POST /hub/sampan/let-go/LAUNCH: this person no longer waits for it."""

    async def post(self, launch: str) -> None:
        try:
            answer = await self.broker.let_go(launch)
        except SampanError as error:
            self.say(error)
            return
        self.set_status(202)
        self.finish(json.dumps({"target": answer["target"]}))


def unsettled(launches: list[Json]) -> list[Json]:
    """The servers of which it is not known how they are, the one that is silent for longest first."""
    silent = [
        launch
        for launch in launches
        if launch["kind"] == Kind.SERVER and launch.get("may_decide_at") is not None
    ]
    return sorted(silent, key=lambda launch: float(launch["seen_since"]))


def _row(launch: Json) -> dict[str, Any]:
    return {
        "id": launch["id"],
        "name": launch["name"],
        "seen": launch["seen"],
        "message": launch["message"],
        "may_decide_at": launch["may_decide_at"],
        "may_decide": launch["may_decide_at"] <= time.time(),
    }
