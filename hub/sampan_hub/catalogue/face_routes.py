"""The catalogue for programs of others: as linked data, and as a catalogue of intake. With the same tokens as everything else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse, Response

from sampan.entries import PACKAGES
from sampan.errors import Missing
from sampan_hub.asking import Anybody, Parts
from sampan_hub.catalogue import holdings
from sampan_hub.catalogue.intake_export import export
from sampan_hub.catalogue.linked import Linked
from sampan_hub.catalogue.rows import Kept
from sampan_hub.services import Services

__all__ = ["routes"]

routes = APIRouter(prefix="/api/catalogue")

_PAGE: Final = 200
_MOST: Final = 2_000
"""Entries of an export: a provider's, or the first ones."""
Word = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._+-]+$")]
Folder = Annotated[str | None, Query(max_length=1000, pattern=r"^/[!-z|~/]*$")]


class JsonLd(JSONResponse):
    """Also where it is put into a page as it is: nothing in it ends a script."""

    media_type = "application/ld+json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False).replace("<", "\\u003c").encode()


class Yaml(Response):
    media_type = "application/yaml"


@routes.get("/dcat.jsonld", response_class=JsonLd)
async def list_linked(
    services: Parts, person: Anybody, after: Annotated[int, Query(ge=0, lt=2**31)] = 0
) -> JsonLd:
    """The whole catalogue in DCAT 3, in pages of JSON-LD."""
    some = await services.shelf.read(holdings.listed(after, _PAGE))
    return JsonLd(Linked(services.address).catalog(some, some[-1].number if len(some) == _PAGE else None))


@routes.get("/entries/{provider}/{name}/{version}/dcat.jsonld", response_class=JsonLd)
async def show_dcat(provider: Word, name: Word, version: Word, services: Parts, person: Anybody) -> JsonLd:
    """One entry in DCAT 3."""
    return JsonLd(Linked(services.address).dcat(await _shown(services, provider, name, version)))


@routes.get("/entries/{provider}/{name}/{version}/schema.jsonld", response_class=JsonLd)
async def show_schema_org(
    provider: Word, name: Word, version: Word, services: Parts, person: Anybody
) -> JsonLd:
    """One entry in the terms of schema.org, as search engines read them."""
    return JsonLd(Linked(services.address).schema_org(await _shown(services, provider, name, version)))


@routes.get("/intake.yaml", response_class=Yaml)
async def export_intake(
    services: Parts,
    person: Anybody,
    centre: Annotated[str, Query(max_length=64)],
    provider: Annotated[list[str], Query(max_length=20)] = [],  # noqa: B006 (FastAPI copies it)
    packages: Folder = None,
) -> Yaml:
    """The data that open at a centre, as a catalogue of intake 2. `packages`: where its environment keeps its packages."""
    known: Mapping[str, str] = services.centre(centre).descriptor.roots
    roots = {**known, PACKAGES: packages} if packages else known
    query = holdings.datasets(providers=provider or None, limit=_MOST)
    some = await services.shelf.read(query)
    # So many take a good part of a second.
    return Yaml(await asyncio.to_thread(export, some, centre, roots))


async def _shown(services: Services, provider: str, name: str, version: str) -> Kept:
    kept = await services.shelf.entry(provider, name, version)
    if not kept.status.shown:
        raise Missing("entry.unknown", entry=kept.ref)
    return kept
