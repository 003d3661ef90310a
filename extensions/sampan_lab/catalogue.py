"""What the Catalogue panel is told: what was found, and of one entry where it is and whether it opens here.

Made from the broker's answers, each read once here. `here` is a centre: that of the kernel in front, else the session's own.
The page's own types are made from these values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sampan_lab.session import Names, Said, named, said

__all__ = ["Card", "Count", "Facet", "Found", "Here", "Place", "Row", "card", "found", "here"]

Json = Mapping[str, Any]
Opens = Literal["here", "elsewhere", "unwell", "closed", "taken", "nothing"]
"""Whether it opens here: it lies elsewhere; its copy here is not whole; one may not read it; it was taken back or is in
quarantine; there is nothing that a notebook could open."""
EVERYWHERE: Final = Names("every centre", "各超算中心")


@dataclass(frozen=True, slots=True)
class Here:
    """The centre that a notebook computes at; that of this session, `own`, where it is none of ours elsewhere."""

    centre: str
    own: str
    names: Names


@dataclass(frozen=True, slots=True)
class Row:
    """An entry in a list. `where`: the centres that it is at."""

    provider: str
    name: str
    version: str
    kind: str
    title: Names
    summary: Names
    status: str
    generated: bool
    opens: Opens
    where: tuple[Names, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """How many entries a further choice would leave."""

    value: str
    names: Names | None
    entries: int


@dataclass(frozen=True, slots=True)
class Facet:
    """What a search can be narrowed by, the most first."""

    name: str
    counts: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A part of what was found. `whole`: whether all is found; not while the index is made anew."""

    total: int
    rows: tuple[Row, ...]
    facets: tuple[Facet, ...]
    instead: str | None
    whole: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A centre ("" is every centre), and what it has of an entry.

    `software` is the name by which a kernel that has it is asked for: "" where any kernel there has it, None where none has.
    """

    centre: str
    names: Names
    has: bool
    here: bool
    what: str
    state: str
    bytes: int | None
    software: str | None
    limits: Names | None
    reachable: bool
    checked_at: float | None
    """Seconds since the epoch."""
    fault: Said | None
    """What was wrong when it was looked at last."""


@dataclass(frozen=True, slots=True)
class Card:
    """One entry as a person sees it."""

    row: Row
    access: str
    group: str
    reason: Said | None
    description: Names | None
    subject: str
    licence: str
    citation: str
    doi: str
    variables: tuple[str, ...]
    dimensions: tuple[str, ...]
    picture: bool
    bbox: tuple[float, ...]
    start: str
    end: str
    bytes: int | None
    uses: int
    plan: str
    unit: str
    """Of an offer: what is computed with, and what it is counted in."""
    versions: tuple[str, ...]
    places: tuple[Place, ...]


def here(launches: Iterable[Json], kernel: str, own: str, names: Names) -> Here:
    """Where the kernel of that id computes, as one's launches say; a kernel that is no launch is one of this session's."""
    for one in launches:
        if kernel and one["kind"] == "kernel" and one["name"] == kernel and one["centre"]:
            return Here(one["centre"], own, named(one["names"], one["centre"]))
    return Here(own, own, names)


def found(told: Json, centre: str, names: Mapping[str, Names]) -> Found:
    """A page of a search. `names`: the centres'."""
    return Found(
        total=told["total"],
        rows=tuple(_row(one, centre, names) for one in told["entries"]),
        facets=tuple(
            Facet(name, tuple(Count(value, names.get(value), n) for value, n in _most(counts)))
            for name, counts in told["facets"].items()
        ),
        instead=told["instead"],
        whole=told["whole"],
    )


def card(told: Json, versions: Iterable[Json], centres: Iterable[Json], centre: str) -> Card:
    """An entry whole. Of software every centre is told, also those that have it not."""
    known = {one["id"]: one for one in centres}
    names = {id_: named(one["names"], id_) for id_, one in known.items()}
    names |= {id_: named(one, id_) for id_, one in told["centres"].items()}
    offer = told.get("offer") or {}
    extent, inside = told.get("extent") or {}, told.get("found") or {}
    return Card(
        row=_row(told, centre, names),
        access=told["access"],
        group=told["group"] or "",
        reason=said(told["reason"]),
        description=named(told["description"]) if told["description"] else None,
        subject=told["subject"],
        licence=told["licence"],
        citation=told["citation"] or "",
        doi=told["doi"] or "",
        variables=tuple(map(_measured, inside.get("variables", ()))) or tuple(told["variables"]),
        dimensions=tuple(f"{name} {length}" for name, length in inside.get("dims", {}).items()),
        picture=told.get("picture") is not None,
        bbox=tuple(extent.get("bbox") or ()),
        start=extent.get("start") or "",
        end=extent.get("end") or "",
        bytes=max((copy["bytes"] for copy in told["replicas"] if copy["bytes"] is not None), default=None),
        uses=told["uses"],
        plan=offer.get("plan") or "",
        unit=offer.get("unit") or "",
        versions=tuple(one["version"] for one in versions),
        places=tuple(_places(told, known, names, centre)),
    )


def _measured(variable: Json) -> str:
    return f"{variable['name']} ({variable['units']})" if variable.get("units") else str(variable["name"])


def _most(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


def _row(told: Json, centre: str, names: Mapping[str, Names]) -> Row:
    places = {one["centre"] for one in (*told["replicas"], *told["builds"])}
    return Row(
        provider=told["provider"],
        name=told["name"],
        version=told["version"],
        kind=told["kind"],
        title=named(told["title"]),
        summary=named(told["summary"]),
        status=told["status"],
        generated=told["generated"],
        opens=_opens(told, centre),
        where=tuple(_called(place, names) for place in sorted(places, key=lambda one: one or "")),
    )


def _called(place: str | None, names: Mapping[str, Names]) -> Names:
    return EVERYWHERE if place is None else names.get(place, Names(place, place))


def _opens(told: Json, centre: str) -> Opens:
    parts = [*told["replicas"], *told["builds"]]
    if told["status"] in {"withdrawn", "quarantined"}:
        return "taken"
    if not told["readable"]:
        return "closed"
    if not parts:
        return "nothing"
    near = [one for one in parts if one["centre"] in {None, centre}]
    if not near:
        return "elsewhere"
    return "here" if any(one.get("state", "online") == "online" for one in near) else "unwell"


def _places(
    told: Json, known: Mapping[str, Json], names: Mapping[str, Names], centre: str
) -> Iterable[Place]:
    def at(place: str | None, thing: str = "", **more: Any) -> Place:
        lies = {"centre": place or "", "names": _called(place, names), "here": place in {None, centre}}
        reachable = place is None or known.get(place, {}).get("state") in {"ok", "unknown"}
        looked = _looked(told, thing, place or centre)
        return Place(**{**lies, "reachable": reachable, **looked, **_NOTHING, **more})

    for copy in told["replicas"]:
        has = {"what": copy["format"], "state": copy["state"], "bytes": copy["bytes"], "software": ""}
        yield at(copy["centre"], copy["href"], **has)
    for build in told["builds"]:
        what = f"{build['name']} {build['version']} ({build['method']})"
        limits = named(build["limits"]) if build["limits"] else None
        has = {"what": what, "software": _asked_by(build, known), "limits": limits}
        yield at(build["centre"], build["name"], **has)
    have = {build["centre"] for build in told["builds"]}
    for id_ in known if have and None not in have else ():
        if id_ not in have:
            yield at(id_, has=False, state="missing")


def _looked(told: Json, thing: str, centre: str) -> dict[str, Any]:
    """What was last seen of a thing there."""
    for check in told.get("checks", ()):
        if (check["what"], check["centre"]) == (thing, centre):
            return {"checked_at": check["at"], "fault": None if check["sound"] else said(check["reason"])}
    return {"checked_at": None, "fault": None}


_NOTHING: Final = {
    "has": True,
    "what": "",
    "state": "online",
    "bytes": None,
    "software": None,
    "limits": None,
}


def _asked_by(build: Json, known: Mapping[str, Json]) -> str | None:
    """A distribution of the environment is in every kernel there; for all else an environment has to be offered by its name."""
    if build["method"] == "venv":
        return ""
    offered = known.get(build["centre"] or "", {}).get("software", ())
    return build["name"] if build["name"] in offered else None
