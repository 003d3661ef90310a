"""How it all stands, for those who watch over it: metrics for a program."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Header, Request, Response
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from sampan_hub.metrics import Metrics
from sampan_hub.people import Logins
from sampan_hub.services import Services

__all__ = ["routes"]

routes = APIRouter()

_PASSED_ON: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto")
"""Headers by which a proxy says that it passes on what somebody else asked for."""


@routes.get("/metrics")
async def show_metrics(request: Request, authorization: Annotated[str, Header()] = "") -> Response:
    """Metrics for Prometheus: on the broker's own machine, or with a token that has the scope `read:metrics`."""
    if not _is_from_here(request):
        logins: Logins = request.app.state.logins
        await logins.may_measure(authorization)
    metrics: Metrics = request.app.state.metrics
    return Response(await metrics.page(), media_type=CONTENT_TYPE_LATEST)


def _is_from_here(request: Request) -> bool:
    """Whether somebody on this machine asks the broker itself: what comes through a proxy comes from loopback, too.

    A proxy passes the name on that a browser asked for, or says that it passes something on; most do both.
    """
    services: Services = request.app.state.services
    port = services.settings.port
    names = {f"{host}:{port}" for host in ("127.0.0.1", "localhost")}
    direct = request.headers.get("host", "") in names
    return direct and not any(header in request.headers for header in _PASSED_ON)
