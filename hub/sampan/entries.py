"""What the catalogue holds, as a notebook sees it: an entry, the copies of its data, its installations. No I/O."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final, Self

from sampan.errors import Invalid

__all__ = ["PACKAGES", "Build", "Check", "Entry", "Replica", "Status", "resolve"]

PACKAGES: Final = "packages"
"""The root that every environment has: where its packages lie."""


class Status(StrEnum):
    """How an entry stands: only what is published or deprecated is found by others."""

    DRAFT = "draft"
    PUBLISHED = "published"
    DEPRECATED = "deprecated"
    WITHDRAWN = "withdrawn"
    QUARANTINED = "quarantined"

    @property
    def shown(self) -> bool:
        return self in {Status.PUBLISHED, Status.DEPRECATED}


class _FromJson:
    """Reads the fields that it knows; a newer broker may tell more."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        known = {one.name for one in fields(cls)}  # type: ignore[arg-type]
        return cls(**{key: value for key, value in data.items() if key in known})


@dataclass(frozen=True)
class Replica(_FromJson):
    """A copy at a centre; None: in the environment of every centre. `bytes` is None where nobody counted."""

    href: str
    opener: str
    centre: str | None = None
    method: str = "file"
    format: str = ""
    tree: bool = False
    separator: str = ","
    skip: int = 0
    bytes: int | None = None
    checksum: str | None = None
    state: str = "online"
    completeness: float = 1.0
    group: str | None = None


@dataclass(frozen=True)
class Build(_FromJson):
    """An installation at a centre; None: in the environment of every centre."""

    method: str
    name: str
    version: str
    centre: str | None = None
    targets: tuple[str, ...] = ()
    limits: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Check(_FromJson):
    """What was last seen of a copy (`what` is its href) or an installation at a centre; `at` in seconds since the epoch."""

    what: str
    centre: str
    at: float
    sound: bool
    reason: Mapping[str, Any] | None = None
    how: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry(_FromJson):
    """One version of a product. `title` and the other texts map "en" and "zh"; `readable` is for whoever asked."""

    provider: str
    name: str
    version: str
    kind: str
    title: Mapping[str, str]
    summary: Mapping[str, str]
    licence: str
    status: str
    revision: int
    access: str = "public"
    group: str | None = None
    citation: str | None = None
    doi: str | None = None
    generated: bool = False
    readable: bool = True
    reasons: tuple[str, ...] = ()
    uses: int = 0
    replicas: tuple[Replica, ...] = ()
    builds: tuple[Build, ...] = ()
    checks: tuple[Check, ...] = ()
    verified_at: float | None = None
    picture: str | None = None
    """The digest of its preview."""

    @property
    def ref(self) -> str:
        return f"{self.provider}/{self.name}@{self.version}"

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises KeyError and TypeError for what is no entry."""
        parts = {
            "replicas": tuple(Replica.from_json(one) for one in data.get("replicas", ())),
            "builds": tuple(Build.from_json(one) for one in data.get("builds", ())),
            "checks": tuple(Check.from_json(one) for one in data.get("checks", ())),
            "reasons": tuple(data.get("reasons", ())),
        }
        return super().from_json({**data, **parts})


def resolve(href: str, roots: Mapping[str, str]) -> str:
    """The path that `{root}/path` stands for, always below that root. Raises Invalid (entry.href, entry.root)."""
    name, _, below = href.partition("/")
    path = posixpath.normpath(below)
    if not (name.startswith("{") and name.endswith("}") and below) or "\0" in href:
        raise Invalid("entry.href", field="href")
    if path != below or path.startswith(("/", "../")) or path in {".", ".."}:
        raise Invalid("entry.href", field="href")
    root = roots.get(name[1:-1])
    if root is None:
        raise Invalid("entry.root", field="href", root=name[1:-1][:40])
    return posixpath.join(root, path)
