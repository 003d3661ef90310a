"""Servers of which nothing is heard, and how the last ones ended: what a person is told, and the decision that is theirs."""

from __future__ import annotations

import json
import time
from typing import Any, Final

from sampan import calls
from sampan.errors import SampanError
from sampan.stages import Kind
from sampan_spawners.following import Json, ended
from sampan_spawners.fragments import render
from sampan_spawners.own_handler import OwnHandler

__all__ = ["LetGoHandler", "UnsettledHandler", "over", "unsettled"]

LATELY: Final = 24 * 3600.0
"""Seconds for which a person who comes back is told how their session ended."""
LAST: Final = 20
EXPECTED: Final = frozenset({"ended.stopped", "ended.finished", "ended.let_go"})
"""Ends that their person knows of, having brought them about."""


class UnsettledHandler(OwnHandler):
    """GET /hub/sampan/unsettled `?name=&ended=`: this person's silent servers (only the one of that name) as pieces of a page.

    With `ended`, also how the last ones ended, where their person cannot know. `{"html", "ended"}`; no `ended` otherwise.
    """

    async def get(self) -> None:
        name = self.get_argument("name", None, strip=False)
        looks_back = self.get_argument("ended", "") == "1"
        try:
            launches = await self.broker.ask(calls.launches(looks_back, limit=LAST if looks_back else None))
        except SampanError as error:
            self.say(error)
            return
        servers = [
            one for one in launches if one["kind"] == Kind.SERVER and (name is None or one["name"] == name)
        ]
        answer = {"html": _html("silent", [_row(one) for one in unsettled(servers)])}
        if looks_back:
            answer["ended"] = _html("ended", over(servers, time.time()))
        self.finish(json.dumps(answer))


class LetGoHandler(OwnHandler):
    """POST /hub/sampan/let-go/LAUNCH: this person no longer waits for it."""

    async def post(self, launch: str) -> None:
        try:
            answer = await self.broker.ask(calls.let_go(launch))
        except SampanError as error:
            self.say(error)
            return
        self.set_status(202)
        self.finish(json.dumps({"target": answer["target"]}))


def unsettled(servers: list[Json]) -> list[Json]:
    """Those of which it is not known how they are, the one that is silent for longest first."""
    silent = [one for one in servers if one.get("may_decide_at") is not None]
    return sorted(silent, key=lambda one: float(one["seen_since"]))


def over(servers: list[Json], now: float) -> list[Json]:
    """The last one of each name, where that has ended lately in a way that its person cannot know of."""
    newest: dict[str, Json] = {}
    for one in servers:
        if one["name"] not in newest or one["created_at"] > newest[one["name"]]["created_at"]:
            newest[one["name"]] = one
    return [
        one
        for one in newest.values()
        if ended(one)
        and now - float(one["ended_at"] or now) < LATELY
        and one["cause"] is not None
        and one["cause"]["code"] not in EXPECTED
    ]


def _row(launch: Json) -> dict[str, Any]:
    return {
        "id": launch["id"],
        "name": launch["name"],
        "seen": launch["seen"],
        "message": launch["message"],
        "may_decide_at": launch["may_decide_at"],
        "may_decide": launch["may_decide_at"] <= time.time(),
    }


def _html(which: str, rows: list[Json]) -> str:
    return str(render("unsettled.html", which=which, rows=rows)) if rows else ""
