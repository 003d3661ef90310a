"""What the Catalogue panel is told, from what a broker says of entries, centres and launches."""

from __future__ import annotations

from typing import Any

import pytest

from sampan_lab.catalogue import EVERYWHERE, Count, Here, card, found, here
from sampan_lab.session import Names

pytestmark = pytest.mark.fast

EAST, WEST = Names("East", "东部"), Names("West", "西部")
CENTRES: list[dict[str, Any]] = [
    {"id": "east", "names": {"en": "East", "zh": "东部"}, "state": "ok", "software": []},
    {"id": "west", "names": {"en": "West", "zh": "西部"}, "state": "unreachable", "software": ["openfoam"]},
]
COPY: dict[str, Any] = {
    "centre": "west",
    "href": "{ocean}/sst.nc",
    "format": "netCDF",
    "opener": "netcdf4",
    "bytes": 7,
    "state": "online",
}
BUILD: dict[str, Any] = {
    "centre": None,
    "method": "venv",
    "name": "numpy",
    "version": "2.4",
    "limits": None,
}


def entry(**more: Any) -> dict[str, Any]:
    return {
        "provider": "ocean",
        "name": "sst",
        "version": "1",
        "kind": "dataset",
        "title": {"en": "Temperature", "zh": "气温"},
        "summary": {"en": "Global.", "zh": "全球。"},
        "status": "published",
        "reason": None,
        "generated": False,
        "readable": True,
        "access": "public",
        "group": None,
        "subject": "ocean",
        "licence": "CC0-1.0",
        "uses": 0,
        "description": None,
        "citation": None,
        "doi": None,
        "variables": ["tos"],
        "replicas": [],
        "builds": [],
        "centres": {"west": {"en": "West", "zh": "西部"}},
        **more,
    }


@pytest.mark.parametrize(
    ("more", "opens"),
    [
        ({"replicas": [COPY]}, "elsewhere"),
        ({"replicas": [COPY, {**COPY, "centre": "east"}]}, "here"),
        ({"replicas": [{**COPY, "centre": None}]}, "here"),
        ({"replicas": [{**COPY, "centre": "east", "state": "corrupt"}]}, "unwell"),
        ({"replicas": [COPY], "readable": False}, "closed"),
        ({"replicas": [COPY], "status": "quarantined"}, "taken"),
        ({"replicas": [COPY], "status": "withdrawn", "readable": False}, "taken"),
        ({"builds": [{**BUILD, "centre": "west"}]}, "elsewhere"),
        ({}, "nothing"),
    ],
)
def test_whether_it_opens_here(more: dict[str, Any], opens: str) -> None:
    assert card(entry(**more), [], CENTRES, "east").row.opens == opens


def test_what_was_found() -> None:
    told = {
        "total": 1,
        "entries": [entry(replicas=[COPY, {**COPY, "centre": None}, {**COPY, "centre": "gone"}])],
        "facets": {"centre": {"east": 1, "west": 3}},
        "instead": None,
        "whole": True,
    }
    page = found(told, "east", {"west": WEST})
    [facet] = page.facets
    assert facet.counts == (Count("west", WEST, 3), Count("east", None, 1))
    assert page.rows[0].where == (EVERYWHERE, Names("gone", "gone"), WEST)


def test_of_software_those_that_have_it_not_are_told_too() -> None:
    one = card(entry(builds=[{**BUILD, "centre": "west"}]), [], CENTRES, "east")
    west, east = one.places
    assert (west.centre, west.has, west.here, west.software, west.reachable) == (
        "west",
        True,
        False,
        "",
        False,
    )
    assert (east.centre, east.has, east.here, east.software) == ("east", False, True, None)
    [everywhere] = card(entry(builds=[BUILD]), [], CENTRES, "east").places
    assert (everywhere.centre, everywhere.names, everywhere.here) == ("", EVERYWHERE, True)


@pytest.mark.parametrize(("name", "by"), [("openfoam", "openfoam"), ("gromacs", None)])
def test_a_module_is_had_by_the_kernel_of_an_environment_alone(name: str, by: str | None) -> None:
    build = {**BUILD, "centre": "west", "method": "module", "name": name}
    assert card(entry(builds=[build]), [], CENTRES, "east").places[0].software == by


def test_a_card_whole() -> None:
    more = {"extent": {"bbox": [0, 1, 2, 3], "start": "2020-01-01", "end": "2020-12-31"}, "replicas": [COPY]}
    reason = {"code": "entry.gone", "params": {}, "en": "It is gone.", "zh": "已不在。"}
    told = entry(**more, status="quarantined", reason=reason, description={"en": "**x**", "zh": "y"})
    one = card(told, [{"version": "2"}, {"version": "1"}], CENTRES, "west")
    assert (one.bytes, one.versions, one.bbox, one.start) == (7, ("2", "1"), (0, 1, 2, 3), "2020-01-01")
    assert one.reason is not None
    assert (one.reason.en, one.description) == ("It is gone.", Names("**x**", "y"))


def test_an_offer_tells_its_plan_and_unit() -> None:
    offer = {"centre": None, "plan": "light", "unit": "core-hour"}
    one = card(entry(kind="offer", offer=offer), [], CENTRES, "east")
    assert (one.row.opens, one.plan, one.unit) == ("nothing", "light", "core-hour")


def test_what_was_seen_of_it_at_its_centre() -> None:
    reason = {"code": "check.bytes", "params": {}, "en": "Its bytes have changed.", "zh": "已变。"}
    checks = [
        {"what": "{ocean}/sst.nc", "centre": "east", "at": 1.0, "sound": True, "reason": None, "how": []},
        {"what": "{ocean}/sst.nc", "centre": "west", "at": 2.0, "sound": False, "reason": reason, "how": []},
    ]
    variables = [{"name": "tos", "units": "K"}, {"name": "flag", "units": None}]
    inside = {"dims": {"time": 12, "lat": 18}, "variables": variables}
    told = entry(replicas=[COPY, {**COPY, "centre": "east"}], checks=checks, found=inside, picture="abc")
    one = card(told, [], CENTRES, "east")
    west, east = one.places
    assert (east.checked_at, east.fault) == (1.0, None)
    assert west.fault is not None
    assert (west.checked_at, west.fault.en) == (2.0, "Its bytes have changed.")
    assert (one.variables, one.dimensions, one.picture) == (("tos (K)", "flag"), ("time 12", "lat 18"), True)


def test_where_a_kernel_computes() -> None:
    launches: list[dict[str, Any]] = [
        {"kind": "server", "name": "k", "centre": "lost", "names": None},
        {"kind": "kernel", "name": "k", "centre": "west", "names": {"en": "West", "zh": "西部"}},
        {"kind": "kernel", "name": "waits", "centre": None, "names": None},
    ]
    assert here(launches, "k", "east", EAST) == Here("west", "east", WEST)
    for kernel in ("", "other", "waits"):
        assert here(launches, kernel, "east", EAST) == Here("east", "east", EAST)
