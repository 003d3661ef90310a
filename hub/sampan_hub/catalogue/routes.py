"""The catalogue over HTTP: search, entries, what their providers do with them, and their use."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from sampan.entries import Status
from sampan.errors import Forbidden, Invalid, Missing
from sampan.messages import Message, text
from sampan_hub.asking import Anybody, Parts, Who
from sampan_hub.catalogue.index import FACETS
from sampan_hub.catalogue.product import Product, Summary
from sampan_hub.catalogue.question import LONGEST
from sampan_hub.catalogue.rows import Kept
from sampan_hub.catalogue.texts import readable, seeker
from sampan_hub.people import Person
from sampan_hub.services import Services

__all__ = ["Word", "provider_only", "routes", "seen", "whole"]

routes = APIRouter(prefix="/api/catalogue")

Word = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._+-]+$")]
Choice = Annotated[list[str], Query(max_length=20)]
_BRIEF: Final = ("title", "summary", "subject", "licence", "access", "group", "generated")
"""Fields of a product that a list tells."""


class Move(BaseModel):
    """How an entry is to stand from now on. A reason goes with quarantine, and only with that."""

    model_config = ConfigDict(extra="forbid")
    status: Status
    reason: Summary | None = None


class Use(BaseModel):
    model_config = ConfigDict(extra="forbid")
    centre: str | None = Field(default=None, max_length=64, pattern=r"^[a-z0-9-]+$")
    replica: str | None = Field(default=None, max_length=500, pattern=r"^[!-~]+$")


@routes.get("/search")
async def search_catalogue(
    services: Parts,
    person: Anybody,
    q: Annotated[str, Query(max_length=LONGEST)] = "",
    here: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0, le=10_000)] = 0,
    facets: bool = False,
    kind: Choice = [],  # noqa: B006 (FastAPI copies it)
    provider: Choice = [],  # noqa: B006
    subject: Choice = [],  # noqa: B006
    centre: Choice = [],  # noqa: B006
    licence: Choice = [],  # noqa: B006
    access: Choice = [],  # noqa: B006
    generated: Choice = [],  # noqa: B006
) -> dict[str, Any]:
    """The best entries for words in either language, each with why it stands there; with `facets`, what is left by choice.

    `here` is the centre that whoever asks is at. Of several values of one facet any will do.
    """
    choices = dict(zip(FACETS, (kind, provider, subject, centre, licence, access, generated), strict=True))
    chosen = {name: values for name, values in choices.items() if values}
    page = await services.shelf.search(
        q, seeker(person, here), chosen, limit=limit, offset=offset, counted=facets
    )
    return {
        "total": page.found.total,
        "entries": [_brief(kept, person, reasons) for kept, reasons in page.entries],
        "facets": page.found.facets,
        "instead": page.instead,
        "whole": page.whole,
    }


@routes.get("/entries/{provider}/{name}")
async def list_versions(provider: Word, name: Word, services: Parts, person: Anybody) -> list[dict[str, Any]]:
    """The versions of a product, the newest first; drafts and what is quarantined or withdrawn for its provider alone."""
    found = await services.shelf.versions(provider, name)
    seen = [kept for kept in found if kept.status.shown or _speaks(person, provider)]
    if not seen:
        raise Missing("entry.unknown", entry=f"{provider}/{name}")
    return [_brief(kept, person) for kept in seen]


@routes.get("/entries/{provider}/{name}/{version}")
async def show_entry(
    provider: Word, name: Word, version: Word, services: Parts, person: Anybody
) -> dict[str, Any]:
    """One entry with its replicas and builds, and the folders that their places stand for at each centre."""
    return await whole(services, await seen(services, person, provider, name, version), person)


@routes.get("/entries/{provider}/{name}/{version}/revisions")
async def list_revisions(
    provider: Word, name: Word, version: Word, services: Parts, person: Who
) -> list[dict[str, Any]]:
    """Everything that was ever said of an entry, and by whom; for its provider."""
    provider_only(person, provider)
    kept = await services.shelf.entry(provider, name, version)
    hidden = {"number", "entry"}
    return [
        {key: value for key, value in row.items() if key not in hidden}
        for row in await services.shelf.history(kept)
    ]


@routes.post("/entries", status_code=201)
async def put_entry(product: Product, services: Parts, person: Who) -> dict[str, Any]:
    """A product as its `product.yaml` says, as a draft; what is there gets a new revision, and stands as it stood."""
    provider_only(person, product.provider)
    (kept,) = await services.shelf.put([product], person.name)
    return await whole(services, kept, person)


@routes.put("/entries/{provider}/{name}/{version}/status")
async def move_entry(
    provider: Word, name: Word, version: Word, move: Move, services: Parts, person: Who
) -> dict[str, Any]:
    """Publishes, deprecates or withdraws; its provider does that. Into quarantine and out of it by an administrator."""
    provider_only(person, provider)
    kept = await services.shelf.entry(provider, name, version)
    if Status.QUARANTINED in {move.status, kept.status} and not person.admin:
        raise Forbidden("access.admin")
    if (move.status is Status.QUARANTINED) != (move.reason is not None):
        raise Invalid("entry.reason", field="reason")
    reason = None if move.reason is None else text(move.reason.model_dump())
    (moved,) = await services.shelf.move([(provider, name, version)], move.status, person.name, reason)
    return await whole(services, moved, person)


@routes.post("/entries/{provider}/{name}/{version}/uses", status_code=204)
async def use_entry(
    provider: Word, name: Word, version: Word, use: Use, services: Parts, person: Anybody
) -> None:
    """Writes down that it was opened, by whom, and which copy of it."""
    kept = await seen(services, person, provider, name, version)
    await services.shelf.use(kept, person.name, use.centre, use.replica)


async def seen(services: Services, person: Person, provider: str, name: str, version: str) -> Kept:
    """Drafts are nobody's business but their provider's; what was taken back is told as that."""
    kept = await services.shelf.entry(provider, name, version)
    if kept.status is Status.DRAFT and not _speaks(person, provider):
        raise Missing("entry.unknown", entry=kept.ref)
    return kept


def _speaks(person: Person, provider: str) -> bool:
    return person.admin or provider in person.provides


def provider_only(person: Person, provider: str) -> None:
    if not _speaks(person, provider):
        raise Forbidden("access.provider", provider=provider)


def _brief(kept: Kept, person: Person, reasons: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        **_stand(kept, person),
        **{name: kept.document[name] for name in _BRIEF},
        "replicas": kept.document["replicas"],
        "builds": kept.document["builds"],
        "reasons": list(reasons),
    }


async def whole(services: Services, kept: Kept, person: Person) -> dict[str, Any]:
    places = {one["centre"] for one in (*kept.document["replicas"], *kept.document["builds"])}
    centres = services.directory.centres
    known = {name: centres[name].descriptor for name in sorted(places & centres.keys())}
    checks = (await services.verifier.findings.checks([kept.number]))[kept.number]
    return {
        **_stand(kept, person),
        **kept.document,
        "reasons": [],
        "found": kept.found if readable(kept.document, person) else None,
        "checks": [{**one.to_json(), "reason": _reason(one.reason, kept, person)} for one in checks],
        "roots": {name: known[name].roots for name in known},
        "centres": {name: services.names(name) for name in sorted(places - {None})},
    }


def _reason(told: Message | None, kept: Kept, person: Person) -> dict[str, Any] | None:
    """What a library says of data that it cannot open may be of what is in them: only whoever may read them is told."""
    if told is not None and "why" in told.params and not readable(kept.document, person):
        told = Message(told.code, {**told.params, "why": "…"})
    return None if told is None else told.to_json()


def _stand(kept: Kept, person: Person) -> dict[str, Any]:
    return {
        "provider": kept.provider,
        "name": kept.name,
        "version": kept.version,
        "kind": kept.kind,
        "status": kept.status,
        "reason": _reason(kept.reason, kept, person),
        "revision": kept.revision,
        "modified_at": kept.modified_at,
        "uses": kept.uses,
        "verified_at": kept.verified_at,
        "picture": (kept.found or {}).get("picture"),
        "readable": readable(kept.document, person),
    }
