"""Entries as linked data: in DCAT 3 for catalogues, and in schema.org's terms for search engines. Pure.

https://www.w3.org/TR/vocab-dcat-3/, https://schema.org. Every context stands in the document: nobody has to fetch one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from sampan_hub.catalogue.boxes import ranges
from sampan_hub.catalogue.rows import Kept

__all__ = ["Linked"]

_DCAT: Final = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "geo": "http://www.opengis.net/ont/geosparql#",
    "sampan": "urn:sampan:terms:",
    "schema": "https://schema.org/",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_SCHEMA: Final = {"@vocab": "https://schema.org/"}
_CLASSES: Final[Mapping[str, tuple[str, str]]] = {
    "dataset": ("dcat:Dataset", "Dataset"),
    "software": ("dcat:Resource", "SoftwareApplication"),
    "model": ("dcat:Resource", "CreativeWork"),
    "notebook": ("dcat:Resource", "SoftwareSourceCode"),
    "service": ("dcat:DataService", "WebAPI"),
    "offer": ("dcat:Resource", "Service"),
}
"""Kind → its class in DCAT, and in schema.org."""
_RIGHTS: Final = "http://publications.europa.eu/resource/authority/access-right/"
_ACCESS: Final = {"public": "PUBLIC", "group": "RESTRICTED", "request": "RESTRICTED"}
_SPDX: Final = "https://spdx.org/licenses/"
_LANGUAGES: Final = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Linked:
    """`address`: of the broker as people reach it."""

    address: str

    def catalog(self, some: Iterable[Kept], more: int | None) -> dict[str, Any]:
        """A page of the whole catalogue in DCAT; `more`: behind which entry the next page begins."""
        here = f"{self.address}/api/catalogue/dcat.jsonld"
        told: dict[str, Any] = {
            "@context": _DCAT,
            "@id": f"{self.address}/api/catalogue",
            "@type": "dcat:Catalog",
            "dct:title": [
                {"@value": "Catalogue of the federation", "@language": "en"},
                {"@value": "联邦目录", "@language": "zh"},
            ],
            "dcat:resource": [self._resource(kept) for kept in some],
        }
        if more is not None:
            told["sampan:next"] = {"@id": f"{here}?after={more}"}
        return told

    def dcat(self, kept: Kept) -> dict[str, Any]:
        return {"@context": _DCAT, **self._resource(kept)}

    def _resource(self, kept: Kept) -> dict[str, Any]:
        told = kept.document
        return _without_nothing(
            {
                "@id": self._entry(kept),
                "@type": _CLASSES[kept.kind][0],
                "dct:identifier": kept.ref,
                "dct:title": _texts(told["title"]),
                "dct:description": _texts(told["summary"]),
                "dcat:keyword": [one for pair in told["keywords"] for one in _texts(pair)],
                "dcat:theme": {"@id": f"urn:sampan:subject:{told['subject']}"},
                "dct:publisher": {"@type": "foaf:Agent", "foaf:name": kept.provider},
                "dcat:contactPoint": [_contact(one) for one in told["contacts"]],
                "dct:license": _licence(told["licence"]),
                "dct:accessRights": {"@id": f"{_RIGHTS}{_ACCESS[told['access']]}"},
                "dcat:version": kept.version,
                "dct:isVersionOf": _doi(told["concept_doi"]),
                "dct:bibliographicCitation": told["citation"],
                "dct:relation": [{"@id": f"urn:sampan:entry:{one}"} for one in told["related"]],
                "dct:issued": _typed(told["issued"], "xsd:date"),
                "dct:spatial": _spatial(told.get("extent")),
                "dct:temporal": _temporal(told.get("extent")),
                "dcat:distribution": [self._distribution(kept, one) for one in told["replicas"]],
                "sampan:status": str(kept.status),
                "sampan:generated": told["generated"] or None,
                "foaf:page": _doi(told["doi"]),
            }
        )

    def _distribution(self, kept: Kept, copy: Mapping[str, Any]) -> dict[str, Any]:
        """Bytes lie at a centre and are opened there: what there is an address of is the entry."""
        return _without_nothing(
            {
                "@type": "dcat:Distribution",
                "dct:title": copy["centre"],
                "dcat:accessURL": {"@id": self._entry(kept)},
                "dct:format": copy["format"],
                "dcat:byteSize": _typed(copy["bytes"], "xsd:nonNegativeInteger"),
                "spdx:checksum": _checksum(copy["checksum"]),
                "sampan:place": copy["href"],
                "sampan:state": copy["state"],
            }
        )

    def schema_org(self, kept: Kept) -> dict[str, Any]:
        told = kept.document
        extent = told.get("extent") or {}
        return _without_nothing(
            {
                "@context": _SCHEMA,
                "@id": self._entry(kept),
                "@type": _CLASSES[kept.kind][1],
                "url": self._entry(kept),
                "identifier": f"https://doi.org/{told['doi']}" if told["doi"] else kept.ref,
                "name": _texts(told["title"]),
                "description": _texts(told["summary"]),
                "keywords": [one for pair in told["keywords"] for one in _texts(pair)],
                "version": kept.version,
                "license": _licence_text(told["licence"]),
                "publisher": {"@type": "Organization", "name": kept.provider},
                "creator": [_person(one) for one in told["contacts"]],
                "citation": told["citation"],
                "datePublished": told["issued"],
                "isAccessibleForFree": told["access"] == "public",
                "variableMeasured": list(told["variables"]),
                "spatialCoverage": _shapes(extent.get("bbox")),
                "temporalCoverage": f"{extent['start']}/{extent['end']}" if extent.get("start") else None,
                "distribution": [self._download(kept, one) for one in told["replicas"]],
                "creativeWorkStatus": "generated" if told["generated"] else str(kept.status),
            }
        )

    def _download(self, kept: Kept, copy: Mapping[str, Any]) -> dict[str, Any]:
        size = None if copy["bytes"] is None else f"{copy['bytes']} B"
        return _without_nothing(
            {
                "@type": "DataDownload",
                "url": self._entry(kept),
                "encodingFormat": copy["format"],
                "contentSize": size,
                "contentLocation": copy["centre"],
            }
        )

    def _entry(self, kept: Kept) -> str:
        parts = "/".join(quote(part, safe="") for part in (kept.provider, kept.name, kept.version))
        return f"{self.address}/api/catalogue/entries/{parts}"


def _without_nothing(told: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if value is not None and value != []}


def _texts(pair: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"@value": pair[language], "@language": language} for language in _LANGUAGES]


def _typed(value: object, kind: str) -> dict[str, Any] | None:
    return None if value is None else {"@value": str(value), "@type": kind}


def _licence_text(expression: str) -> str:
    """The page of a licence; of several, and of one that SPDX does not list, the expression."""
    plain = " " not in expression and not expression.startswith("LicenseRef-")
    return f"{_SPDX}{quote(expression)}" if plain else expression


def _licence(expression: str) -> dict[str, str]:
    text = _licence_text(expression)
    return {"@id": text} if text != expression else {"@value": text}


def _doi(doi: str | None) -> dict[str, str] | None:
    return None if doi is None else {"@id": f"https://doi.org/{quote(doi, safe='/:;()')}"}


def _checksum(checksum: str | None) -> dict[str, Any] | None:
    if checksum is None:
        return None
    return {"@type": "spdx:Checksum", "spdx:algorithm": "SHA256", "spdx:checksumValue": checksum[7:]}


def _contact(one: Mapping[str, Any]) -> dict[str, Any]:
    mail = None if one["email"] is None else {"@id": f"mailto:{quote(one['email'], safe='@')}"}
    told = {"@type": "vcard:Kind", "vcard:fn": one["name"], "vcard:hasEmail": mail}
    return _without_nothing({**_orcid(one), **told})


def _person(one: Mapping[str, Any]) -> dict[str, Any]:
    return {**_orcid(one), "@type": "Person", "name": one["name"]}


def _orcid(one: Mapping[str, Any]) -> dict[str, str]:
    return {} if one["orcid"] is None else {"@id": f"https://orcid.org/{one['orcid']}"}


def _spatial(extent: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    box = (extent or {}).get("bbox")
    return [] if box is None else [_location(west, box[1], east, box[3]) for west, east in ranges(tuple(box))]


def _location(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = ((west, south), (east, south), (east, north), (west, north), (west, south))
    drawn = f"POLYGON(({', '.join(f'{x} {y}' for x, y in ring)}))"
    return {"@type": "dct:Location", "dcat:bbox": {"@value": drawn, "@type": "geo:wktLiteral"}}


def _temporal(extent: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not extent or not extent.get("start"):
        return None
    days = {f"dcat:{name}Date": _typed(extent[name], "xsd:date") for name in ("start", "end")}
    return {"@type": "dct:PeriodOfTime", **days}


def _shapes(box: Any) -> list[dict[str, Any]]:
    """Boxes as schema.org writes them: south, west, north, east."""
    found = [] if box is None else [f"{box[1]} {west} {box[3]} {east}" for west, east in ranges(tuple(box))]
    return [{"@type": "Place", "geo": {"@type": "GeoShape", "box": one}} for one in found]
