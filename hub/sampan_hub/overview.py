"""How it all stands, for those who watch over it: metrics for a program, a page for people, and who is idle."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Annotated, Final

from fastapi import APIRouter, Cookie, Header, Request, Response
from fastapi.responses import HTMLResponse
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from sampan.messages import Language
from sampan.stages import Stage
from sampan_hub.metrics import Metrics
from sampan_hub.people import Logins
from sampan_hub.queries import standings
from sampan_hub.records import holder
from sampan_hub.services import Services
from sampan_hub.status_page import language_of, page, policy, rows
from sampan_hub.views import cull_at

__all__ = ["StatusPages", "routes"]

routes = APIRouter()

_FRESH: Final = 1.0
_PASSED_ON: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto")
"""Headers by which a proxy says that it passes on what somebody else asked for."""


@routes.get("/metrics")
async def show_metrics(request: Request, authorization: Annotated[str, Header()] = "") -> Response:
    """Metrics for Prometheus: on the broker's own machine, or with a token that has the scope `read:metrics`."""
    if not _is_from_here(request):
        logins: Logins = request.app.state.logins
        await logins.demand(authorization, "read:metrics")
    metrics: Metrics = request.app.state.metrics
    return Response(await metrics.page(), media_type=CONTENT_TYPE_LATEST)


@routes.get("/api/idle")
async def list_idle(request: Request, authorization: Annotated[str, Header()] = "") -> dict[str, list[str]]:
    """The addresses of servers that are due to be ended because nothing is done in them. For whoever may end servers."""
    logins: Logins = request.app.state.logins
    await logins.demand(authorization, "delete:servers")
    services: Services = request.app.state.services
    said = [one for one in await services.store.live_launches() if services.idleness.due(one.id)]
    held = {one.id: holder(await services.store.attempts(one.id)) for one in said}
    return {"prefixes": [one.prefix for one in said if cull_at(services, one, held[one.id]) is not None]}


class StatusPages:
    """The page in each language, made once a second at most, however many look."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._made: dict[Language, tuple[float, str]] = {}
        self._lock = asyncio.Lock()

    async def of(self, language: Language) -> str:
        async with self._lock:
            at, text = self._made.get(language, (float("-inf"), ""))
            if time.monotonic() - at >= _FRESH:
                text = await self._make(language)
                self._made[language] = (time.monotonic(), text)
            return text

    async def _make(self, language: Language) -> str:
        services, sums = self._services, Counter[bool]()
        for row in await services.store.rows(standings()):
            sums[row["stage"] == Stage.READY] += row["launches"]
        home = f"{services.settings.public_url}/hub/home"
        counts = {"running": sums[True], "coming": sums[False]}
        return page(rows(services), language=language, home=home, now=services.now(), **counts)


@routes.get("/status")
async def show_status(
    request: Request,
    lang: str = "",
    sampan_lang: Annotated[str, Cookie()] = "",
    accept_language: Annotated[str, Header()] = "",
) -> Response:
    """How the centres stand, as a page for people in both languages: public facts, for whoever asks."""
    language = language_of(lang, sampan_lang, accept_language)
    pages: StatusPages = request.app.state.pages
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy(),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    answer = HTMLResponse(await pages.of(language), headers=headers)
    if lang == language:
        answer.set_cookie("sampan_lang", language, max_age=365 * 24 * 3600, path="/", samesite="lax")
    return answer


def _is_from_here(request: Request) -> bool:
    """Whether somebody on this machine asks the broker itself: what comes through a proxy comes from loopback, too.

    A proxy passes the name on that a browser asked for, or says that it passes something on; most do both.
    """
    services: Services = request.app.state.services
    port = services.settings.port
    names = {f"{host}:{port}" for host in ("127.0.0.1", "localhost")}
    direct = request.headers.get("host", "") in names
    return direct and not any(header in request.headers for header in _PASSED_ON)
