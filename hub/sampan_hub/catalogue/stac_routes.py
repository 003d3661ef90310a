"""The catalogue's data for programs that speak STAC: a STAC API (read), with the same tokens as everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from sampan.errors import Missing
from sampan_hub.asking import Anybody, Parts
from sampan_hub.catalogue import holdings
from sampan_hub.catalogue.boxes import Box, crosses
from sampan_hub.catalogue.rows import Kept
from sampan_hub.catalogue.stac import CONFORMS, GEOJSON, Stac
from sampan_hub.catalogue.stac_question import Asked, from_query
from sampan_hub.catalogue.texts import readable
from sampan_hub.people import Person
from sampan_hub.services import Services

__all__ = ["routes"]

routes = APIRouter(prefix="/api/catalogue/stac")

_MOST: Final = 100
"""Items of a page: who asks for more gets these, and a link to the next ones."""
_LOOKS: Final = 20
"""How often one request looks further for a full page of what lies in a geometry."""


class GeoJson(JSONResponse):
    media_type = GEOJSON


Text = Annotated[str | None, Query(max_length=16_000)]


async def _told(
    ids: Text = None,
    collections: Text = None,
    bbox: Text = None,
    intersects: Text = None,
    datetime: Text = None,
    limit: Text = None,
    token: Text = None,
) -> dict[str, str | None]:
    return {
        "ids": ids,
        "collections": collections,
        "bbox": bbox,
        "intersects": intersects,
        "datetime": datetime,
        "limit": limit,
        "token": token,
    }


Told = Annotated[dict[str, str | None], Depends(_told)]


@routes.get("")
async def stac_landing(services: Parts, person: Anybody) -> dict[str, Any]:
    """The catalogue's data as a STAC catalogue: its collections, and where to search."""
    return _stac(services).landing(await services.shelf.holdings())


@routes.get("/conformance")
async def stac_conformance(person: Anybody) -> dict[str, Any]:
    """The parts of STAC API that there are."""
    return {"conformsTo": list(CONFORMS)}


@routes.get("/collections")
async def stac_collections(services: Parts, person: Anybody) -> dict[str, Any]:
    """Every provider of data, as a STAC collection."""
    return _stac(services).collections(await services.shelf.holdings())


@routes.get("/collections/{collection}")
async def stac_collection(collection: str, services: Parts, person: Anybody) -> dict[str, Any]:
    """One provider."""
    for one in await services.shelf.holdings():
        if one.provider == collection:
            return _stac(services).collection(one)
    raise Missing("entry.unknown", entry=collection[:64])


@routes.get("/collections/{collection}/items", response_class=GeoJson)
async def stac_items(collection: str, told: Told, services: Parts, person: Anybody) -> GeoJson:
    """A provider's entries as STAC items, in pages."""
    asked = _asked({**told, "collections": None})
    await stac_collection(collection, services, person)
    path = f"/collections/{collection}/items"
    some, more = await _found(services, asked.model_copy(update={"collections": [collection]}))
    return _page(services, person, some, [*_above(services, path, told), *_next(services, path, told, more)])


@routes.get("/collections/{collection}/items/{item}", response_class=GeoJson)
async def stac_item(collection: str, item: str, services: Parts, person: Anybody) -> GeoJson:
    """One entry as a STAC item."""
    name, _, version = item.partition("@")
    kept = await services.shelf.entry(collection, name, version)
    if kept.kind != "dataset" or not kept.status.shown:
        raise Missing("entry.unknown", entry=kept.ref)
    return GeoJson(_stac(services).item(kept, readable(kept.document, person)))


@routes.get("/search", response_class=GeoJson)
async def stac_search(told: Told, services: Parts, person: Anybody) -> GeoJson:
    """STAC items by place (`bbox`, `intersects`), time (`datetime`), `collections` and `ids`."""
    some, more = await _found(services, _asked(told))
    return _page(services, person, some, _next(services, "/search", told, more))


@routes.post("/search", response_class=GeoJson)
async def stac_search_by_body(asked: Asked, services: Parts, person: Anybody) -> GeoJson:
    """The same, asked for in JSON."""
    some, more = await _found(services, asked)
    links = []
    if more is not None:
        body = {**asked.model_dump(exclude_unset=True), "token": more}
        href = f"{_stac(services).root}/search"
        links = [{"rel": "next", "type": GEOJSON, "href": href, "method": "POST", "body": body}]
    return _page(services, person, some, links)


def _stac(services: Services) -> Stac:
    centres = services.directory.centres
    return Stac(services.address, {name: centres[name].descriptor.roots for name in centres})


def _asked(told: dict[str, str | None]) -> Asked:
    try:
        return Asked.model_validate(from_query(told))
    except ValidationError as error:
        places = [{**one, "loc": ("query", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(places) from error


async def _found(services: Services, asked: Asked) -> tuple[list[Kept], int | None]:
    """A page, and the number behind which the next one begins."""
    limit, after, box = min(asked.limit, _MOST), asked.token, asked.box
    ids = [(name, version) for name, _, version in (one.partition("@") for one in asked.ids)]
    found: list[Kept] = []
    for _ in range(_LOOKS):
        query = holdings.datasets(
            ids=ids or None,
            providers=asked.collections or None,
            box=box,
            times=asked.times,
            after=after,
            limit=limit,
        )
        some = await services.shelf.read(query)
        found += await asyncio.to_thread(_within, some, asked.shape) if asked.shape else some
        if len(found) >= limit:
            return found[:limit], found[limit - 1].number
        if len(some) < limit:
            return found, None
        after = some[-1].number
    return found, after


def _within(some: Sequence[Kept], shape: dict[str, Any]) -> list[Kept]:
    return [kept for kept in some if crosses(shape, _box(kept))]


def _box(kept: Kept) -> Box:
    west, south, east, north = kept.document["extent"]["bbox"]
    return west, south, east, north


def _page(
    services: Services, person: Person, some: Sequence[Kept], links: Sequence[dict[str, Any]]
) -> GeoJson:
    told = [(kept, readable(kept.document, person)) for kept in some]
    return GeoJson(_stac(services).items(told, links))


def _above(services: Services, path: str, told: dict[str, str | None]) -> list[dict[str, Any]]:
    """Of a page of a collection: itself, and the collection."""
    collection = f"{_stac(services).root}{path.removesuffix('/items')}"
    return [
        {"rel": "self", "type": GEOJSON, "href": _href(services, path, told)},
        {"rel": "collection", "type": "application/json", "href": collection},
    ]


def _next(
    services: Services, path: str, told: dict[str, str | None], more: int | None
) -> list[dict[str, Any]]:
    if more is None:
        return []
    href = _href(services, path, {**told, "token": str(more)})
    return [{"rel": "next", "type": GEOJSON, "href": href, "method": "GET"}]


def _href(services: Services, path: str, told: dict[str, str | None]) -> str:
    query = urlencode({key: value for key, value in told.items() if value})
    return f"{_stac(services).root}{path}" + (f"?{query}" if query else "")
