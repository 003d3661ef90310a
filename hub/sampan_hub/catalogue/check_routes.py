"""Whether entries are what they say, over HTTP: looking now, what was seen, and the preview that was made then."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from sampan.errors import Forbidden, Missing
from sampan_hub.asking import Anybody, Parts, Who
from sampan_hub.catalogue.harvest import HREF, Harvest
from sampan_hub.catalogue.harvester import harvest
from sampan_hub.catalogue.product import Licence, Name
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
    services.verifier.begin(services.now)


class Where(BaseModel):
    """What is harvested, and what is said of all that is found there."""

    model_config = ConfigDict(extra="forbid")
    provider: Name
    centre: Name
    form: Literal["esm", "folder", "intake", "lmod", "stac"]
    href: Annotated[str, Field(pattern=HREF, max_length=500)]
    """`{root}` or `{root}/path`: below a root of the centre's."""
    licence: Licence
    """SPDX; where the source names none."""
    subject: Name = "general"


@routes.post("/harvests")
async def harvest_centre(where: Where, services: Parts, person: Who) -> dict[str, Any]:
    """What a centre has there becomes entries; what has vanished from there since the last time is withdrawn.

    An administrator does that: it is read as the service account, and the centre's module files are run.
    """
    if not person.admin:
        raise Forbidden("access.admin")
    centre = services.centre(where.centre)
    what = Harvest(**where.model_dump(), names=services.names(where.centre))
    done = await harvest(services.shelf, services.verifier, centre, what, person.name, services.now())
    return done.to_json()


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
