"""What a STAC search asks for (https://github.com/radiantearth/stac-api-spec/tree/v1.0.0/item-search), read strictly."""

from __future__ import annotations

import contextlib
import datetime as clock
import json
import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from sampan_hub.catalogue.boxes import Box, around, points
from sampan_hub.catalogue.product import Latitude, Longitude

__all__ = ["Asked", "from_query", "period"]

_POINTS: Final = 1000
"""Of a geometry: it is held against every entry that lies in its box."""
# https://www.rfc-editor.org/rfc/rfc3339#section-5.6
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_OPEN: Final = frozenset({"", ".."})


def _closed(ring: list[Any]) -> list[Any]:
    if ring[0] != ring[-1]:
        raise PydanticCustomError("ring", "a ring that ends where it begins")
    return ring


Position = tuple[Longitude, Latitude] | tuple[Longitude, Latitude, float]
Line = Annotated[list[Position], Field(min_length=2)]
Ring = Annotated[list[Position], Field(min_length=4), AfterValidator(_closed)]
Rings = Annotated[list[Ring], Field(min_length=1)]


class _Shape(BaseModel):
    # GeoJSON has members of anybody's own: https://www.rfc-editor.org/rfc/rfc7946#section-6.1
    model_config = ConfigDict(extra="ignore")


class Point(_Shape):
    type: Literal["Point"]
    coordinates: Position


class MultiPoint(_Shape):
    type: Literal["MultiPoint"]
    coordinates: Annotated[list[Position], Field(min_length=1)]


class LineString(_Shape):
    type: Literal["LineString"]
    coordinates: Line


class MultiLineString(_Shape):
    type: Literal["MultiLineString"]
    coordinates: Annotated[list[Line], Field(min_length=1)]


class Polygon(_Shape):
    type: Literal["Polygon"]
    coordinates: Rings


class MultiPolygon(_Shape):
    type: Literal["MultiPolygon"]
    coordinates: Annotated[list[Rings], Field(min_length=1)]


_Single = Point | MultiPoint | LineString | MultiLineString | Polygon | MultiPolygon


class GeometryCollection(_Shape):
    """Not of collections: RFC 7946 (3.1.8) advises against those."""

    type: Literal["GeometryCollection"]
    geometries: Annotated[
        list[Annotated[_Single, Field(discriminator="type")]], Field(min_length=1, max_length=100)
    ]


Geometry = Annotated[_Single | GeometryCollection, Field(discriminator="type")]


def period(text: str) -> tuple[float | None, float | None]:
    """First and last second of one instant, or of two with a slash between them of which one may be open."""
    parts = text.split("/")
    if len(parts) > 2 or _OPEN.issuperset(parts):
        raise PydanticCustomError("datetime", "an instant, or two with a slash between them (RFC 3339)")
    first, last = _instant(parts[0]), _instant(parts[-1])
    if first is not None and last is not None and first > last:
        raise PydanticCustomError("datetime", "a period that ends after it begins")
    return first, last


def _instant(text: str) -> float | None:
    if text in _OPEN:
        return None
    try:
        if not _INSTANT.fullmatch(text):
            raise ValueError(text)
        return clock.datetime.fromisoformat(text.upper()).timestamp()
    except (ValueError, OverflowError):
        raise PydanticCustomError("datetime", "date and time with an offset (RFC 3339)") from None


def _period(text: str) -> str:
    period(text)
    return text


class Asked(BaseModel):
    """Everything at once must hold. What is not known here is refused: it would silently find too much."""

    model_config = ConfigDict(extra="forbid")
    ids: list[Annotated[str, Field(max_length=130)]] = Field(default_factory=list, max_length=100)
    collections: list[Annotated[str, Field(max_length=64)]] = Field(default_factory=list, max_length=100)
    bbox: list[Annotated[float, Field(allow_inf_nan=False)]] | None = None
    intersects: Geometry | None = None
    datetime: Annotated[str, Field(max_length=100), AfterValidator(_period)] | None = None
    limit: Annotated[int, Field(ge=1)] = 10
    token: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """The number of the last entry that was told."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.bbox is not None and self.intersects is not None:
            raise PydanticCustomError("bbox", "a box or a geometry, not both")
        if self.bbox is not None:
            self._flat()
        if self.intersects is not None and sum(1 for _ in points(self._geometry())) > _POINTS:
            raise PydanticCustomError("points", "a geometry of {most} points at the most", {"most": _POINTS})
        return self

    def _geometry(self) -> dict[str, Any]:
        assert self.intersects is not None  # noqa: S101
        return self.intersects.model_dump()

    def _flat(self) -> Box:
        box = self.bbox or []
        if len(box) not in (4, 6):
            raise PydanticCustomError("bbox", "four numbers, or six with heights")
        west, south, east, north = (*box[:2], *box[len(box) // 2 :][:2])
        if south > north or max(map(abs, (west, east))) > 180 or max(map(abs, (south, north))) > 90:
            raise PydanticCustomError("bbox", "west, south, east, north in degrees")
        return west, south, east, north

    @property
    def box(self) -> Box | None:
        """Where to look at all."""
        if self.bbox is not None:
            return self._flat()
        return None if self.intersects is None else around(self._geometry())

    @property
    def shape(self) -> dict[str, Any] | None:
        return None if self.intersects is None else self._geometry()

    @property
    def times(self) -> tuple[float | None, float | None]:
        if self.datetime is None:
            return None, None
        return period(self.datetime)


def from_query(params: dict[str, str | None]) -> dict[str, Any]:
    """The same question as it is written in an address: lists with commas, a geometry as JSON."""
    told: dict[str, Any] = {key: value for key, value in params.items() if value}
    for name in ("ids", "collections", "bbox"):
        if name in told:
            told[name] = told[name].split(",")
    if "intersects" in told:
        # What is no JSON stays text, which is no geometry either.
        with contextlib.suppress(ValueError, RecursionError):
            told["intersects"] = json.loads(told["intersects"])
    return told
