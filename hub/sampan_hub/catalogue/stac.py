"""Entries of data as a STAC API tells them: a provider is a collection, a version of a product an item. Pure.

https://github.com/radiantearth/stac-spec/tree/v1.1.0, https://github.com/radiantearth/stac-api-spec/tree/v1.0.0. What STAC has
no word for stands under `sampan:`. No link is made from what a request says of itself.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from sampan.entries import resolve
from sampan.errors import Invalid
from sampan_hub.catalogue.boxes import geometry
from sampan_hub.catalogue.holdings import Holdings
from sampan_hub.catalogue.rows import Kept

__all__ = ["CONFORMS", "GEOJSON", "Stac"]

GEOJSON: Final = "application/geo+json"
CONFORMS: Final = (
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/collections",
    "https://api.stacspec.org/v1.0.0/ogcapi-features",
    "https://api.stacspec.org/v1.0.0/item-search",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
)
_VERSION: Final = "1.1.0"
_JSON: Final = "application/json"
_WORLD: Final = (-180.0, -90.0, 180.0, 90.0)
_MEDIA: Final[Mapping[str, str]] = {
    "netcdf4": "application/netcdf",
    "h5netcdf": "application/x-hdf5",
    "scipy": "application/netcdf",
    "zarr": "application/vnd+zarr",
    "cfgrib": "application/wmo-GRIB2",
    "csv": "text/csv",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
}
"""Opener → media type (https://github.com/radiantearth/stac-spec/blob/v1.1.0/best-practices.md#common-media-types-in-stac)."""
_TITLE: Final = "Sampan · 一叶舟"


@dataclass(frozen=True, slots=True)
class Stac:
    """`address`: of the broker as people reach it; `roots`: centre → root → folder."""

    address: str
    roots: Mapping[str, Mapping[str, str]]

    @property
    def root(self) -> str:
        return f"{self.address}/api/catalogue/stac"

    def landing(self, holdings: Iterable[Holdings]) -> dict[str, Any]:
        return {
            "type": "Catalog",
            "stac_version": _VERSION,
            "id": "sampan",
            "title": _TITLE,
            "description": "Data of the federation's centres and providers · 联邦各中心与服务商的数据",
            "conformsTo": list(CONFORMS),
            "links": [
                self._link("root"),
                self._link("self"),
                self._link("data", "/collections"),
                self._link("conformance", "/conformance"),
                {"rel": "service-desc", "type": _JSON, "href": f"{self.address}/openapi.json"},
                *({**self._link("search", "/search", GEOJSON), "method": how} for how in ("GET", "POST")),
                *(self._link("child", _collection(one.provider)) for one in holdings),
            ],
        }

    def collections(self, holdings: Iterable[Holdings]) -> dict[str, Any]:
        links = [self._link("root"), self._link("self", "/collections")]
        return {"collections": [self.collection(one) for one in holdings], "links": links}

    def collection(self, one: Holdings) -> dict[str, Any]:
        at = _collection(one.provider)
        return {
            "type": "Collection",
            "stac_version": _VERSION,
            "id": one.provider,
            "title": one.provider,
            "description": f"{one.count} entries of {one.provider} · {one.provider} 的 {one.count} 个条目",
            "license": "other",
            "extent": {
                "spatial": {"bbox": [list(one.box or _WORLD)]},
                "temporal": {"interval": [[_instant(one.starts), _instant(one.ends)]]},
            },
            "providers": [{"name": one.provider, "roles": ["producer"]}],
            "links": [
                self._link("root"),
                self._link("parent"),
                self._link("self", at),
                self._link("items", f"{at}/items", GEOJSON),
            ],
        }

    def items(self, some: Iterable[tuple[Kept, bool]], links: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """A page: each entry, and whether whoever asks may read it."""
        features = [self.item(kept, readable) for kept, readable in some]
        return {
            "type": "FeatureCollection",
            "features": features,
            "numberReturned": len(features),
            "links": [self._link("root"), *links],
        }

    def item(self, kept: Kept, readable: bool) -> dict[str, Any]:
        extent = kept.document.get("extent") or {}
        box = extent.get("bbox")
        collection = _collection(kept.provider)
        return {
            "type": "Feature",
            "stac_version": _VERSION,
            "stac_extensions": [],
            "id": f"{kept.name}@{kept.version}",
            "collection": kept.provider,
            "geometry": geometry(tuple(box)) if box else None,
            **({"bbox": box} if box else {}),
            "properties": {**_when(kept, extent), **_said(kept, readable)},
            "links": [
                self._link("root"),
                self._link("parent", collection),
                self._link("collection", collection),
                self._link("self", f"{collection}/items/{_part(kept.name)}@{_part(kept.version)}", GEOJSON),
                {"rel": "via", "type": _JSON, "href": self._entry(kept)},
                *_cited(kept),
            ],
            "assets": {
                **self._preview(kept),
                **dict(self._asset(kept, at, copy) for at, copy in enumerate(kept.document["replicas"])),
            },
        }

    def _preview(self, kept: Kept) -> dict[str, Any]:
        if not (kept.found or {}).get("picture"):
            return {}
        href = f"{self._entry(kept)}/picture"
        return {"preview": {"href": href, "type": "image/png", "roles": ["thumbnail"]}}

    def _asset(self, kept: Kept, at: int, copy: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Where a copy lies at its centre; what every environment brings along has no place, and the entry tells of it."""
        path = self._path(copy)
        told = {
            "title": copy["centre"] or "everywhere · 各中心",
            "sampan:centre": copy["centre"],
            "sampan:href": copy["href"],
            "sampan:opener": copy["opener"],
            "sampan:state": copy["state"],
        }
        if path is None:
            return f"copy-{at}", {"href": self._entry(kept), "type": _JSON, "roles": ["metadata"], **told}
        href = f"file://{quote(path)}"
        return f"copy-{at}", {"href": href, "type": _MEDIA[copy["opener"]], "roles": ["data"], **told}

    def _path(self, copy: Mapping[str, Any]) -> str | None:
        try:
            return resolve(copy["href"], self.roots.get(copy["centre"] or "", {}))
        except Invalid:
            return None

    def _entry(self, kept: Kept) -> str:
        parts = "/".join(map(_part, (kept.provider, kept.name, kept.version)))
        return f"{self.address}/api/catalogue/entries/{parts}"

    def _link(self, rel: str, path: str = "", media: str = _JSON) -> dict[str, Any]:
        return {"rel": rel, "type": media, "href": f"{self.root}{path}"}


def _collection(provider: str) -> str:
    return f"/collections/{_part(provider)}"


def _part(text: str) -> str:
    return quote(text, safe="+")


def _when(kept: Kept, extent: Mapping[str, Any]) -> dict[str, Any]:
    """Of what has no time of its own: since when it is in the catalogue."""
    if not extent.get("start"):
        return {"datetime": _instant(kept.created_at)}
    first, last = f"{extent['start']}T00:00:00Z", f"{extent['end']}T23:59:59Z"
    return {"datetime": None, "start_datetime": first, "end_datetime": last}


def _said(kept: Kept, readable: bool) -> dict[str, Any]:
    told = kept.document
    made = "[generated · 自动生成] " if told["generated"] else ""
    return {
        "title": f"{made}{told['title']['en']} · {told['title']['zh']}",
        "description": f"{told['summary']['en']}\n\n{told['summary']['zh']}",
        "keywords": [word for pair in told["keywords"] for word in pair.values()],
        "license": told["licence"],
        "created": _instant(kept.created_at),
        "updated": _instant(kept.modified_at),
        "providers": [{"name": kept.provider, "roles": ["producer"]}],
        "sampan:status": kept.status,
        "sampan:access": told["access"],
        "sampan:readable": readable,
        "sampan:generated": told["generated"],
        "sampan:variables": list(told["variables"]),
        "sampan:citation": told["citation"],
    }


def _cited(kept: Kept) -> list[dict[str, Any]]:
    doi = kept.document["doi"]
    return [{"rel": "cite-as", "href": f"https://doi.org/{quote(doi, safe='/:;()')}"}] if doi else []


def _instant(at: float | None) -> str | None:
    """RFC 3339, in UTC."""
    if at is None:
        return None
    return datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="microseconds")[:-6] + "Z"
