"""Providers over HTTP: register, approve, see uses; and what a form needs to publish a product."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import func, select

from sampan.errors import Forbidden
from sampan_hub.asking import Parts, Who
from sampan_hub.catalogue.members import Member, Registration, Standing
from sampan_hub.catalogue.product import Product, Summary, json_schema
from sampan_hub.catalogue.routes import provider_only
from sampan_hub.people import Person
from sampan_hub.tables import entries, uses

__all__ = ["routes"]

routes = APIRouter(prefix="/api/catalogue")

_ERRORS: Final = 50
ProviderName = Annotated[str, Path(min_length=1, max_length=63, pattern=r"^[a-z][a-z0-9-]*$")]


class Decision(BaseModel):
    """A reason goes with a refusal and with a suspension, and only with those."""

    model_config = ConfigDict(extra="forbid")
    standing: Standing
    reason: Summary | None = None


@routes.get("/providers")
async def list_providers(services: Parts, person: Who) -> list[dict[str, Any]]:
    """The providers that are approved, and one's own; an administrator sees every one that was asked for."""
    known = (await services.members.every()).values()
    return [_view(one, person) for one in known if one.standing is Standing.APPROVED or _near(one, person)]


@routes.post("/providers", status_code=201)
async def register_provider(told: Registration, services: Parts, person: Who) -> dict[str, Any]:
    """Asks to publish as a provider; an administrator decides. Who was refused may say it again."""
    return _view(await services.members.register(told, person), person)


@routes.put("/providers/{provider}/standing")
async def decide_provider(
    provider: ProviderName, decision: Decision, services: Parts, person: Who
) -> dict[str, Any]:
    """Approves, refuses or suspends a provider; an administrator does that."""
    if not person.admin:
        raise Forbidden("access.admin")
    decided = await services.members.decide(provider, decision.standing, decision.reason, person)
    return _view(decided, person)


@routes.get("/providers/{provider}/uses")
async def list_uses(provider: ProviderName, services: Parts, person: Who) -> list[dict[str, Any]]:
    """How often each entry of a provider was opened, by how many people, where, and when last; for the provider."""
    provider_only(person, provider)
    told = (
        select(
            entries.c.name,
            entries.c.version,
            uses.c.centre,
            func.count().label("uses"),
            func.count(func.distinct(uses.c.person)).label("people"),
            func.max(uses.c.at).label("last_at"),
        )
        .join(uses, uses.c.entry == entries.c.number)
        .where(entries.c.provider == provider)
        .group_by(entries.c.name, entries.c.version, uses.c.centre)
        .order_by(entries.c.name, entries.c.version, uses.c.centre)
    )
    return [dict(row) for row in await services.store.rows(told)]


@routes.get("/product.schema.json")
async def product_schema(person: Who) -> dict[str, Any]:
    """The JSON Schema of a product, for a form."""
    return json_schema()


@routes.post("/products/check")
async def check_product(body: dict[str, Any], person: Who) -> dict[str, Any]:
    """Everything that is wrong with a product, field by field; keeps nothing."""
    try:
        Product.model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)[:_ERRORS]
        return {"errors": [{"field": _place(one["loc"]), "expected": one["msg"]} for one in found]}
    return {"errors": []}


def _place(parts: tuple[int | str, ...]) -> str:
    return ".".join("".join(char for char in str(part)[:64] if char.isprintable()) for part in parts)


def _near(one: Member, person: Person) -> bool:
    return person.admin or one.founder == person.name or one.name in person.provides


def _view(one: Member, person: Person) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": one.name,
        "sort": one.sort,
        "standing": one.standing,
        **{key: one.document[key] for key in ("title", "summary")},
    }
    if _near(one, person):
        told |= {"founder": one.founder, "contacts": one.document["contacts"], "reason": one.reason}
        told |= {"asked_at": one.asked_at, "decided_at": one.decided_at, "decided_by": one.decided_by}
    return told
