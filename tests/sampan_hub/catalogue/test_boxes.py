"""Which shapes a box has a point in common with."""

from __future__ import annotations

from typing import Any

import pytest

from sampan_hub.catalogue.boxes import Box, around, crosses, geometry, ranges

BOX: Box = (10.0, 10.0, 20.0, 20.0)
FIJI: Box = (170.0, -20.0, -170.0, -10.0)


def square(west: float, south: float, side: float) -> list[list[float]]:
    east, north = west + side, south + side
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


@pytest.mark.parametrize(
    ("kind", "coordinates", "met"),
    [
        ("Point", [15, 15], True),
        ("Point", [15, 15, 800], True),
        ("Point", [20, 20], True),
        ("Point", [21, 15], False),
        ("MultiPoint", [[0, 0], [12, 12]], True),
        ("LineString", [[0, 15], [30, 15]], True),
        ("LineString", [[0, 0], [9, 30]], False),
        ("LineString", [[5, 12], [12, 5]], False),
        ("LineString", [[5, 20], [20, 5]], True),
        ("MultiLineString", [[[0, 0], [1, 1]], [[15, 0], [15, 30]]], True),
        ("Polygon", [square(12, 12, 2)], True),
        ("Polygon", [square(0, 0, 40)], True),
        ("Polygon", [square(0, 0, 40), square(5, 5, 20)], False),
        ("Polygon", [square(0, 0, 40), square(12, 12, 2)], True),
        ("Polygon", [square(30, 30, 5)], False),
        ("MultiPolygon", [[square(30, 30, 5)], [square(19, 19, 5)]], True),
    ],
)
def test_a_shape_meets_the_box_or_does_not(kind: str, coordinates: Any, met: bool) -> None:
    shape = {"type": kind, "coordinates": coordinates}
    assert crosses(shape, BOX) is met
    assert crosses({"type": "GeometryCollection", "geometries": [shape]}, BOX) is met


def test_a_box_over_the_180th_meridian() -> None:
    assert ranges(FIJI) == [(170.0, 180.0), (-180.0, -170.0)]
    for longitude, met in ((179, True), (-179, True), (0, False)):
        assert crosses({"type": "Point", "coordinates": [longitude, -15]}, FIJI) is met
    drawn = geometry(FIJI)
    assert (drawn["type"], len(drawn["coordinates"])) == ("MultiPolygon", 2)


def test_the_box_around_a_shape() -> None:
    assert around({"type": "Polygon", "coordinates": [square(1, 2, 3)]}) == (1, 2, 4, 5)
    assert around(geometry(BOX)) == BOX
