"""What a provider says of one product: one `product.yaml`, schema `sampan/product/1`, read strictly.

Terms follow DCAT 3 (https://www.w3.org/TR/vocab-dcat-3/) and schema.org where they have one for the thing; the field's
docstring then says which. Everything in it is data: no code, no import path and no absolute place is read from it.
"""

from __future__ import annotations

import datetime
import html
import json
import re
import unicodedata
from typing import Annotated, Any, Final, Literal, Self

import nh3
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

__all__ = ["SCHEMA", "Build", "Card", "Extent", "Offer", "Product", "Replica", "json_schema"]

SCHEMA: Final = "sampan/product/1"
_NAME: Final = r"^[a-z][a-z0-9-]{0,62}$"
_VERSION: Final = r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,62}$"
_REF: Final = r"^[a-z][a-z0-9-]{0,62}/[a-z][a-z0-9-]{0,62}(@[A-Za-z0-9][A-Za-z0-9._+-]{0,62})?$"
# A root by its name, then parts of which none is "." or "..": what is written here is what is meant.
PART: Final = r"\.?[A-Za-z0-9_@+=,-][A-Za-z0-9._@+=,-]*"
_HREF: Final = rf"^\{{[a-z][a-z0-9-]{{0,30}}\}}(?:/{PART})+$"
_ORCID: Final = r"^[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9X]$"
_DOI: Final = r"^10\.[0-9]{4,9}/[!-;=?-~]{1,200}$"
_EMAIL: Final = r"^[^@\s<>\x00-\x1f]{1,100}@[^@\s<>\x00-\x1f]{1,100}$"
_CHECKSUM: Final = r"^sha256:[0-9a-f]{64}$"
_SCHEMES: Final = frozenset({"http", "https", "mailto", "doi"})
# Where Markdown takes an address: [text](here), [text]: here, <here>.
_LINK: Final = re.compile(r"(?:\]\s*\(|\]:|<)[\s<]*([A-Za-z][A-Za-z0-9+.\s-]*):")
_LINES: Final = frozenset("\n\t")


def _plain(text: str) -> str:
    """Text that is what it looks like: nothing that reverses the order of what follows, or is not seen at all."""
    # Cc: escape sequences; Cf: bidirectional and zero-width marks; Cs: halves of characters; Zl, Zp: ends of lines.
    if any(
        unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in text if char not in _LINES
    ):
        raise PydanticCustomError("hidden", "text without control and bidirectional characters")
    return text


def _one_line(text: str) -> str:
    if _LINES & set(text):
        raise PydanticCustomError("lines", "one line")
    return _plain(text)


def _markdown(text: str) -> str:
    """Markdown without HTML; its links lead where a browser may go. Whoever shows it still cleans what they made of it."""
    seen = text
    for _ in range(3):  # an address is read with its entities and escapes undone
        seen = html.unescape(seen).replace("\\", "")
    for found in _LINK.finditer(seen):
        if re.sub(r"\s", "", found[1]).lower() not in _SCHEMES:
            raise PydanticCustomError("link", "links to http, https, mailto or doi")
    return nh3.clean(_plain(text), tags=set(), attributes={}, link_rel=None)


def _licence(text: str) -> str:
    try:
        return str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        raise PydanticCustomError("licence", "an SPDX licence expression") from None


def _size(most: int) -> StringConstraints:
    return StringConstraints(min_length=1, max_length=most, strict=True)


Line = Annotated[str, _size(200), AfterValidator(_one_line)]
Sentence = Annotated[str, _size(1000), AfterValidator(_one_line)]
Markdown = Annotated[str, _size(20_000), AfterValidator(_markdown)]
Name = Annotated[str, Field(pattern=_NAME)]
Licence = Annotated[str, _size(200), AfterValidator(_licence)]
Ref = Annotated[str, Field(pattern=_REF)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]


class _Part(BaseModel):
    """Unknown keys are refused: a misspelt one would silently mean nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Title(_Part):
    zh: Line
    en: Line


class Summary(_Part):
    zh: Sentence
    en: Sentence


class Description(_Part):
    """Markdown; HTML in it is taken away."""

    zh: Markdown
    en: Markdown


class Contact(_Part):
    """DCAT: contactPoint."""

    name: Line
    email: Annotated[str, Field(pattern=_EMAIL)] | None = None
    orcid: Annotated[str, Field(pattern=_ORCID)] | None = None


class Replica(_Part):
    """A copy of the data at a centre (DCAT: Distribution)."""

    centre: Name | None = None
    """None: in the environment of every centre."""
    method: Literal["file"] = "file"
    """How it is reached: as a file or folder that the centre's nodes see."""
    href: Annotated[str, Field(pattern=_HREF, max_length=500)]
    """`{root}/path`: a root is a centre's own, `{packages}` the packages of the environment that asks."""
    format: Line
    """DCAT: mediaType."""
    opener: Literal["netcdf4", "h5netcdf", "scipy", "zarr", "cfgrib", "csv", "json", "parquet", "notebook"]
    """An engine of xarray's, a kind of table, or that it is a notebook."""
    tree: bool = False
    """Whether its groups are opened, too, as a DataTree."""
    separator: Literal[",", ";", "\t", "|", " "] = ","
    skip: Annotated[int, Field(ge=0, le=1000)] = 0
    """Of a table as text: what stands between its columns, and the lines before its head."""
    bytes: Annotated[int, Field(ge=0, le=2**60)] | None = None
    """DCAT: byteSize."""
    checksum: Annotated[str, Field(pattern=_CHECKSUM)] | None = None
    """SPDX: checksum."""
    state: Literal["online", "nearline", "partial", "missing", "corrupt"] = "online"
    completeness: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 1.0
    group: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")] | None = None
    """The centre's own group that must own it, and outside which nobody may read it."""


class Build(_Part):
    """An installation of software at a centre."""

    centre: Name | None = None
    """None: in the environment of every centre."""
    method: Literal["module", "conda", "venv", "container"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+/-]{0,100}$")]
    """What it is called there: a module, a distribution, an image."""
    version: Annotated[str, Field(pattern=_VERSION)]
    targets: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    """Kinds of processor and accelerator."""
    digest: Annotated[str, Field(pattern=_CHECKSUM)] | None = None
    """Of an image or a lock: equal digests are equal installations."""
    limits: Summary | None = None
    """What is known not to work."""


class Card(_Part):
    """What a model is, in the terms of Hugging Face's cards (https://huggingface.co/docs/hub/model-cards)."""

    pipeline_tag: Name
    library_name: Name | None = None
    base_model: Ref | None = None
    datasets: Annotated[tuple[Ref, ...], Field(max_length=50)] = ()
    parameters: Annotated[int, Field(ge=1, le=2**60)] | None = None


class Offer(_Part):
    """What computing is offered as."""

    centre: Name | None = None
    """None: at every centre."""
    plan: Name
    unit: Literal["core-hour", "card-hour", "GiB-month", "call", "month"]


class Extent(_Part):
    """Where and when the data are of (DCAT: spatial, temporal)."""

    bbox: tuple[Longitude, Latitude, Longitude, Latitude] | None = None
    """West, south, east, north in degrees; west is more than east where it crosses the 180th meridian."""
    start: datetime.date | None = None
    end: datetime.date | None = None
    """The first and the last day."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.bbox is not None and self.bbox[1] > self.bbox[3]:
            raise PydanticCustomError("bbox", "west, south, east, north")
        if (self.start is None) != (self.end is None) or (self.start and self.end and self.start > self.end):
            raise PydanticCustomError("period", "a start with an end that is not before it")
        return self


class Product(_Part):
    """One version of one product (DCAT: Resource)."""

    schema_id: Annotated[Literal["sampan/product/1"], Field(alias="schema")]
    provider: Name
    """DCAT: publisher."""
    name: Name
    version: Annotated[str, Field(pattern=_VERSION)]
    kind: Literal["dataset", "software", "model", "notebook", "service", "offer"]
    title: Title
    summary: Summary
    description: Description | None = None
    keywords: Annotated[tuple[Title, ...], Field(max_length=50)] = ()
    subject: Name = "general"
    """DCAT: theme."""
    licence: Licence
    """SPDX (DCAT: license)."""
    access: Literal["public", "group", "request"] = "public"
    """DCAT: accessRights."""
    group: Annotated[str, _size(100), AfterValidator(_one_line)] | None = None
    """With `group`: the hub's group whose members may read it."""
    contacts: Annotated[tuple[Contact, ...], Field(max_length=20)] = ()
    doi: Annotated[str, Field(pattern=_DOI)] | None = None
    concept_doi: Annotated[str, Field(pattern=_DOI)] | None = None
    """Of all versions together (DCAT: isVersionOf)."""
    citation: Sentence | None = None
    """DCAT: bibliographicCitation."""
    related: Annotated[tuple[Ref, ...], Field(max_length=50)] = ()
    issued: datetime.date | None = None
    extent: Extent | None = None
    variables: Annotated[tuple[Line, ...], Field(max_length=500)] = ()
    """Names of what is measured, as in the file; each is a word to search by."""
    replicas: Annotated[tuple[Replica, ...], Field(max_length=100)] = ()
    builds: Annotated[tuple[Build, ...], Field(max_length=100)] = ()
    card: Card | None = None
    offer: Offer | None = None
    generated: bool = False
    """Made by a program to fill a catalogue, and shown as that wherever it is seen."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if (self.access == "group") != (self.group is not None):
            raise PydanticCustomError("group", "a group exactly where access is `group`")
        if (self.card and self.kind != "model") or (self.offer and self.kind != "offer"):
            raise PydanticCustomError("kind", "a card with models alone, and an offer with offers")
        if any((one.opener == "notebook") != (self.kind == "notebook") for one in self.replicas):
            raise PydanticCustomError("kind", "copies that are notebooks with notebooks alone")
        return self

    def to_json(self) -> dict[str, Any]:
        """As it is kept and told: every field, under its published name."""
        return self.model_dump(mode="json", by_alias=True)


def json_schema() -> dict[str, Any]:
    """The published JSON Schema of a product. What must hold between values is not in it."""
    schema = Product.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}


if __name__ == "__main__":
    # python -m sampan_hub.catalogue.product > docs/reference/product.schema.json
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
