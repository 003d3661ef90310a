"""Whether entries are what they say, over HTTP: looking now, what was seen, and the preview that was made then."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi import APIRouter, Response

from sampan.errors import Forbidden, Missing
from sampan_hub.asking import Anybody, Parts, Who
from sampan_hub.catalogue.routes import Word, provider_only, seen, whole
from sampan_hub.catalogue.rows import Kept
from sampan_hub.catalogue.texts import readable

__all__ = ["routes"]

routes = APIRouter(prefix="/api/catalogue")

_HEADERS: Final = {
    # A picture, and nothing else, wherever it is opened.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": 'inline; filename="preview.png"',
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, max-age=300",
}


@routes.post("/entries/{provider}/{name}/{version}/checks")
async def check_entry(
    provider: Word, name: Word, version: Word, services: Parts, person: Who
) -> dict[str, Any]:
    """Looks at every copy and installation of an entry now, and returns it as it stands then; for its provider."""
    provider_only(person, provider)
    kept = await services.shelf.entry(provider, name, version)
    await services.verifier.check([kept], services.now())
    return await whole(services, await services.shelf.entry(provider, name, version), person)


@routes.post("/checks", status_code=202)
async def check_everything(services: Parts, person: Who) -> None:
    """Begins to look at everything in the catalogue; an administrator does that. What was seen stands with each entry."""
    if not person.admin:
        raise Forbidden("access.admin")
    looking = asyncio.create_task(
        services.verifier.round(services.now(), services.now), name="verifier, asked for"
    )
    services.listening.add(looking)
    looking.add_done_callback(services.listening.discard)


def closed(kept: Kept) -> Forbidden:
    """To whoever may not read the data: whom to ask."""
    group = kept.document["group"]
    return (
        Forbidden("entry.group", entry=kept.ref, group=group)
        if group
        else Forbidden("entry.request", entry=kept.ref)
    )


@routes.get("/entries/{provider}/{name}/{version}/picture")
async def show_picture(
    provider: Word, name: Word, version: Word, services: Parts, person: Anybody
) -> Response:
    """The preview of an entry's data, as PNG; for whoever may read them."""
    kept = await seen(services, person, provider, name, version)
    if not readable(kept.document, person):
        raise closed(kept)
    png = await services.verifier.findings.picture(kept.number)
    if png is None:
        raise Missing("entry.no_picture", entry=kept.ref)
    return Response(png, media_type="image/png", headers=_HEADERS)
