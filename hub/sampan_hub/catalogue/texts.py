"""What of an entry is found by which words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan_hub.catalogue.index import EVERYWHERE, Seeker, Texts
from sampan_hub.catalogue.rows import Kept
from sampan_hub.people import Person

__all__ = ["group_reader", "readable", "seeker", "texts"]


def texts(kept: Kept) -> Texts:
    told = kept.document
    title = [*told["title"].values(), *(word for pair in told["keywords"] for word in pair.values())]
    rest = [*told["summary"].values(), *(told["description"] or {}).values(), told["citation"] or ""]
    rest += [kept.provider, kept.name, *(one["name"] for one in (*told["contacts"], *told["builds"]))]
    offered = [told["offer"]] if told["offer"] else []
    places = {one.get("centre") or EVERYWHERE for one in (*told["replicas"], *told["builds"], *offered)}
    facets = {
        "kind": kept.kind,
        "provider": kept.provider,
        "subject": told["subject"],
        "licence": told["licence"],
        "access": told["access"],
        "generated": "yes" if told["generated"] else "no",
    }
    return Texts(
        kept.number,
        (*title, *told["variables"]),
        tuple(rest),
        {"centre": tuple(sorted(places)), **{name: (value,) for name, value in facets.items()}},
        _readers(told),
        used=kept.uses > 0,
        verified=kept.verified_at is not None,
    )


def seeker(person: Person, centre: str | None) -> Seeker:
    return Seeker((EVERYWHERE, *map(group_reader, sorted(person.groups))), centre)


def readable(document: Mapping[str, Any], person: Person) -> bool:
    """Whether the entry's access lets this person read it; the centre where it lies has the last word."""
    of_it = document["provider"] in person.provides
    return person.admin or of_it or not set(_readers(document)).isdisjoint(seeker(person, None).readers)


def group_reader(group: str) -> str:
    return f"group:{group}"


def _readers(document: Mapping[str, Any]) -> tuple[str, ...]:
    if document["access"] == "public":
        return (EVERYWHERE,)
    return (group_reader(document["group"]),) if document["group"] else ()
