"""What the Clusters panel is told of its person's Dask clusters. The page's own types are made from these values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sampan_lab.session import Names, Said, named, said

__all__ = ["Cluster", "clusters"]

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Dask cluster that has not ended. `cores` and `memory_mib` are a worker's; what nobody has said yet is None.

    `wanted`: how many workers it was asked to have, where it is not adaptive between `minimum` and `maximum`. `pages` is the path
    below which Dask's own pages answer, empty where there are none. `listens`: the kernel that holds it hears what it is asked for.
    """

    id: str
    name: str
    names: Names | None
    share: str
    stage: Literal["placed", "submitted", "queued", "running", "reachable", "ready", "ended"]
    stopping: bool
    seen: Literal["alive", "ended", "unknown", "unreachable"]
    said: Said | None
    cores: int
    memory_mib: int
    workers: int | None
    wanted: int | None
    minimum: int | None
    maximum: int | None
    pages: str
    listens: bool | None


def clusters(told: Iterable[tuple[Json, Json | None]]) -> tuple[Cluster, ...]:
    """From each one's launch, and what its kernel said last of it (None: nothing yet)."""
    return tuple(_cluster(launch, word or {}) for launch, word in told)


def _cluster(launch: Json, word: Json) -> Cluster:
    return Cluster(
        id=launch["id"],
        name=launch["name"],
        names=named(launch["names"]) if launch["names"] else None,
        share=launch["share"] or "",
        stage=launch["stage"],
        stopping=launch["target"] != "ready",
        seen=launch["seen"],
        said=said(launch["message"]),
        cores=launch["need"]["cores"],
        memory_mib=launch["need"]["memory_mib"],
        workers=word.get("workers"),
        wanted=word.get("wanted"),
        minimum=word.get("minimum"),
        maximum=word.get("maximum"),
        pages=word.get("pages") or "",
        listens=word.get("listens"),
    )
