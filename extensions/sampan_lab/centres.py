"""What the Centres panel is told: how the centres stand, what runs for its person, and where a need would go.

Made from the broker's answers, each read once here. Spans are in seconds at the moment of the answer, so that no two clocks
need agree. The page's own types are made from these values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sampan_lab.session import Names, Said, named, said

__all__ = ["Answer", "Cards", "Centre", "Offer", "Running", "Share", "answer", "centres", "running"]

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cards:
    """Accelerators of one kind, counted over the nodes of a share that are up."""

    kind: str
    total: int
    free: int


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a centre; what is not known now is None, and never free."""

    id: str
    names: Names
    max_hours: float
    cores_total: int | None
    cores_free: int | None
    cards: tuple[Cards, ...]
    waiting: int | None


@dataclass(frozen=True, slots=True)
class Centre:
    """A centre as the broker sees it; `age` is that of its figures, None where it never told any."""

    id: str
    names: Names
    city: Names
    state: Literal["ok", "draining", "unknown", "unreachable"]
    age: float | None
    problem: Said | None
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Running:
    """A launch of one's own that has not ended. `here`: the session that this page belongs to, or what was started from it."""

    id: str
    kind: Literal["server", "kernel", "cluster"]
    name: str
    here: Literal["self", "child", "other"]
    names: Names | None
    share: str
    node: str
    stage: Literal["placed", "submitted", "queued", "running", "reachable", "ready", "ended"]
    stopping: bool
    seen: Literal["alive", "ended", "unknown", "unreachable"]
    said: Said | None
    cores: int
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class Offer:
    """What one centre says to a need: its verdict, why, and how long starts like this took."""

    centre: str
    names: Names
    share: str
    verdict: Literal["now", "queue", "unknown", "no"]
    reasons: tuple[Said, ...]
    start: Said | None


@dataclass(frozen=True, slots=True)
class Answer:
    """Where a need would go, the best first, and every centre that cannot, with its reason."""

    ranked: tuple[Offer, ...]
    refused: tuple[Offer, ...]


def centres(told: Iterable[Json]) -> tuple[Centre, ...]:
    """Every centre of the broker's answer."""
    return tuple(
        Centre(
            id=one["id"],
            names=named(one["names"], one["id"]),
            city=named(one["place"]["city"]),
            state=one["state"],
            age=one["age"],
            problem=said(one["problem"]),
            shares=tuple(map(_share, one["shares"])),
        )
        for one in told
    )


def _share(told: Json) -> Share:
    return Share(
        id=told["id"],
        names=named(told["names"], told["id"]),
        max_hours=told["max_hours"],
        cores_total=told["cores_total"],
        cores_free=told["cores_free"],
        cards=tuple(Cards(kind, *both) for kind, both in sorted(told["accelerators"].items())),
        waiting=told["pending"],
    )


def running(told: Iterable[Json], launch: str) -> tuple[Running, ...]:
    """One's own launches, this session's (whose launch that is) first, then what belongs to it."""
    rows = (
        Running(
            id=one["id"],
            kind=one["kind"],
            name=one["name"],
            here="self" if one["id"] == launch else "child" if one["parent"] == launch else "other",
            names=named(one["names"]) if one["names"] else None,
            share=one["share"] or "",
            node=one["node"] or "",
            stage=one["stage"],
            stopping=one["target"] != "ready",
            seen=one["seen"],
            said=said(one["message"]),
            cores=one["need"]["cores"],
            seconds_left=one["seconds_left"],
        )
        for one in told
    )
    return tuple(sorted(rows, key=lambda row: ("self", "child", "other").index(row.here)))


def answer(told: Json) -> Answer:
    """A placement as the broker explains it."""
    return Answer(tuple(map(_offer, told["ranked"])), tuple(map(_offer, told["refused"])))


def _offer(told: Json) -> Offer:
    reasons = (said(reason) for reason in told["reasons"])
    return Offer(
        centre=told["centre"],
        names=named(told["names"], told["centre"]),
        share=told["share"],
        verdict=told["verdict"],
        reasons=tuple(reason for reason in reasons if reason is not None),
        start=said((told["start"] or {}).get("words")),
    )
