"""Boxes in degrees, and what lies in them. Pure.

A box is (west, south, east, north); west is more than east where it crosses the 180th meridian (RFC 7946, 5.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

__all__ = ["Box", "around", "crosses", "geometry", "points", "ranges"]

Box = tuple[float, float, float, float]
Point = Sequence[float]
_SINGLE: Final = {"MultiPoint": "Point", "MultiLineString": "LineString", "MultiPolygon": "Polygon"}


def ranges(box: Box) -> list[tuple[float, float]]:
    """Its longitudes, from the lesser to the greater: two where it crosses the 180th meridian."""
    west, _, east, _ = box
    return [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]


def geometry(box: Box) -> dict[str, Any]:
    """As GeoJSON."""
    rings = [_ring(west, box[1], east, box[3]) for west, east in ranges(box)]
    if len(rings) == 1:
        return {"type": "Polygon", "coordinates": [rings[0]]}
    return {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}


def around(shape: dict[str, Any]) -> Box:
    """The box that a geometry of GeoJSON lies in."""
    every = list(points(shape))
    longitudes, latitudes = [one[0] for one in every], [one[1] for one in every]
    return min(longitudes), min(latitudes), max(longitudes), max(latitudes)


def points(shape: dict[str, Any]) -> Iterator[Point]:
    for part in _parts(shape):
        yield from (point for line in _lines(part) for point in line)


def crosses(shape: dict[str, Any], box: Box) -> bool:
    """Whether a geometry of GeoJSON and the box have a point in common."""
    boxes = [(west, box[1], east, box[3]) for west, east in ranges(box)]
    return any(_meets(part, one) for part in _parts(shape) for one in boxes)


def _parts(shape: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The points, lines and polygons that it is made of."""
    kind = shape["type"]
    if kind == "GeometryCollection":
        for one in shape["geometries"]:
            yield from _parts(one)
    elif kind in _SINGLE:
        yield from ({"type": _SINGLE[kind], "coordinates": one} for one in shape["coordinates"])
    else:
        yield shape


def _lines(part: dict[str, Any]) -> list[Any]:
    found: list[Any] = part["coordinates"]
    return {"Point": [[found]], "LineString": [found], "Polygon": found}[part["type"]]


def _meets(part: dict[str, Any], box: Box) -> bool:
    lines = _lines(part)
    if any(_in(point, box) for line in lines for point in line):
        return True
    if any(_cuts(one, other, box) for line in lines for one, other in pairwise(line)):
        return True
    # No edge is near it: it lies wholly inside, or wholly outside.
    inside = sum(_within((box[0], box[1]), ring) for ring in lines) if part["type"] == "Polygon" else 0
    return inside % 2 == 1


def _in(point: Point, box: Box) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def _cuts(one: Point, other: Point, box: Box) -> bool:
    """Whether a straight line goes through the box (Liang and Barsky)."""
    first, last = 0.0, 1.0
    for at, (low, high) in enumerate(((box[0], box[2]), (box[1], box[3]))):
        step = other[at] - one[at]
        if step == 0:
            if not low <= one[at] <= high:
                return False
            continue
        ends = sorted(((low - one[at]) / step, (high - one[at]) / step))
        first, last = max(first, ends[0]), min(last, ends[1])
    return first <= last


def _within(point: Point, ring: Sequence[Point]) -> bool:
    """Whether a ray from the point leaves the ring an odd number of times."""
    inside = False
    for one, other in pairwise(ring):
        if (one[1] > point[1]) != (other[1] > point[1]):
            at = one[0] + (point[1] - one[1]) * (other[0] - one[0]) / (other[1] - one[1])
            inside ^= point[0] < at
    return inside


def _ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]
