"""What a centre was found to have, as products. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sampan.messages import Message
from sampan_hub.catalogue.product import PART, SCHEMA, Extent, Product
from sampan_hub.catalogue.verdicts import Facts, Found

__all__ = ["HREF", "Finding", "Harvest", "product", "reference"]

_FORMATS: Final = {
    "netcdf4": "netCDF",
    "cfgrib": "GRIB",
    "zarr": "Zarr",
    "csv": "CSV",
    "json": "JSON",
    "parquet": "Parquet",
}
_LINE: Final = 200
HREF: Final = rf"^\{{[a-z][a-z0-9-]{{0,30}}\}}(?:/{PART})*$"
Words = Annotated[str, Field(max_length=2000)]


class Finding(BaseModel):
    """What :mod:`sampan_kernels.reaping` says of one thing; read by a schema, and what it does not know is dropped."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    skipped: Words | None = None
    why: Words = ""
    kind: Literal["dataset", "software"] = "dataset"
    name: Words = ""
    version: Words = "1"
    title: Words = ""
    summary: Words = ""
    href: Words | None = None
    opener: Words | None = None
    module: Words | None = None
    licence: Words = ""
    variables: Annotated[list[Words], Field(max_length=500)] = []
    bbox: list[float] | None = None
    when: list[str | None] | None = None


@dataclass(frozen=True, slots=True)
class Harvest:
    """Where it is harvested, and what is said of all that is found: an operator's words, for what the source does not say."""

    provider: str
    centre: str
    form: str
    href: str
    licence: str
    subject: str
    names: Mapping[str, str]
    """Of the centre."""

    @property
    def source(self) -> str:
        """Which entries are this harvest's: whatever of them is not found again has vanished."""
        return f"{self.form} {self.centre} {self.href}"

    def to_json(self) -> dict[str, str]:
        return {"en": self.names["en"], "zh": self.names["zh"]}


def reference(finding: Finding) -> tuple[str, str]:
    """Its name and version in the catalogue, the same whenever it is found."""
    version = re.sub(r"[^A-Za-z0-9._+-]+", "-", finding.version).lstrip("._+-")[:60] or "1"
    return _slug(finding.name), version


def product(harvest: Harvest, finding: Finding, facts: Facts | None) -> Product | Message:
    """The product, or why it is none. `facts`: what was seen of it, where it is data."""
    name, version = reference(finding)
    told: dict[str, Any] = {
        "schema": SCHEMA,
        "provider": harvest.provider,
        "name": name,
        "version": version,
        "kind": finding.kind,
        "title": _both(_line(finding.title) or name),
        "summary": _summary(harvest, finding),
        "licence": _licence(finding.licence) or harvest.licence,
        "subject": harvest.subject,
    }
    if finding.kind == "software":
        told["builds"] = [
            {"centre": harvest.centre, "method": "module", "name": finding.module, "version": version}
        ]
    else:
        told |= _data(harvest, finding, facts or Facts())
    try:
        return Product.model_validate(told)
    except ValidationError as error:
        key = ".".join(str(part) for part in error.errors()[0]["loc"]) or "?"
        return Message("check.product", {"key": key})


def _data(harvest: Harvest, finding: Finding, facts: Facts) -> dict[str, Any]:
    copy = {
        "centre": harvest.centre,
        "href": finding.href,
        "opener": finding.opener,
        "format": _FORMATS.get(finding.opener or "", "?"),
        "bytes": facts.bytes,
        "checksum": facts.checksum,
    }
    found = facts.found or Found(dims={}, variables=[])
    names = finding.variables or [one.name for one in found.variables]
    return {
        "replicas": [copy],
        "variables": list(dict.fromkeys(filter(None, map(_line, names)))),
        "extent": _extent(finding, found.extent),
    }


def _extent(finding: Finding, found: Mapping[str, Sequence[Any]]) -> dict[str, Any] | None:
    """As the source says it, else as the data do; None where neither says it in a way that can be understood."""
    bbox = finding.bbox if finding.bbox and len(finding.bbox) == 4 else _box(found)
    first, last = (*(finding.when or found.get("time") or ()), None, None)[:2]
    days = {"start": str(first)[:10], "end": str(last or first)[:10]} if first else {}
    for told in ({"bbox": bbox, **days}, {"bbox": bbox}, days):
        try:
            made = Extent.model_validate(told)
        except ValidationError:
            continue
        return made.model_dump(mode="json") if made != Extent() else None
    return None


def _box(found: Mapping[str, Sequence[Any]]) -> list[float] | None:
    if "longitude" not in found or "latitude" not in found:
        return None
    (west, east), (south, north) = found["longitude"], found["latitude"]
    if east - west >= 355:
        return [-180.0, south, 180.0, north]
    west, east = ((side + 180) % 360 - 180 if side > 180 else side for side in (west, east))
    return [west, south, east, north]


def _summary(harvest: Harvest, finding: Finding) -> dict[str, str]:
    said = _line(finding.summary, 1000)
    if said:
        return _both(said)
    return {"en": f"Found at {harvest.names['en']}.", "zh": f"收录自{harvest.names['zh']}。"}


def _both(text: str) -> dict[str, str]:
    """What is harvested is in one language, whichever that is."""
    return {"en": text, "zh": text}


def _line(text: str, most: int = _LINE) -> str:
    """One line, without anything that is not what it looks like."""
    plain = "".join(" " if char.isspace() else char for char in text if _seen(char))
    return " ".join(plain.split())[:most].strip()


def _seen(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def _slug(name: str) -> str:
    """Letters, digits and dashes; where that takes something away, a few characters of a digest tell it from others."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not plain or not plain[0].isalpha():
        plain = f"n-{plain}".rstrip("-")
    if plain == name.lower().replace("/", "-").replace("_", "-").replace(".", "-") and len(plain) <= 63:
        return plain
    return f"{plain[:54].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _licence(text: str) -> str | None:
    try:
        return str(canonicalize_license_expression(text)) if text else None
    except InvalidLicenseExpression:
        return None
