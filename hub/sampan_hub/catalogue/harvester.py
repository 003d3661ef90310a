"""Harvesting: what a centre has becomes entries, all of it in one step or nothing; what has vanished is told as that."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sampan.entries import Status
from sampan.errors import Conflict
from sampan.messages import Message, text
from sampan_hub.catalogue import rows, verdicts
from sampan_hub.catalogue.harvest import Finding, Harvest, product, reference
from sampan_hub.catalogue.looks import reap
from sampan_hub.catalogue.product import Product
from sampan_hub.catalogue.rows import Kept
from sampan_hub.catalogue.shelf import Shelf
from sampan_hub.catalogue.verdicts import Check, Conclusion, Facts, Thing
from sampan_hub.catalogue.verifier import Verifier
from sampan_hub.centre import Centre
from sampan_hub.tables import entries

__all__ = ["Harvested", "harvest"]

_DEADLINE: Final = 300.0
_VANISHED: Final = "harvest.vanished"
Ref = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Harvested:
    """What became of it: references of entries; `skipped`: what is there and no entry, each with the reason."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    same: int
    vanished: tuple[str, ...]
    skipped: tuple[tuple[str, Message], ...]

    def to_json(self) -> dict[str, Any]:
        skipped = [{"what": what, "why": why.to_json()} for what, why in self.skipped]
        told = {"new": list(self.new), "changed": list(self.changed), "vanished": list(self.vanished)}
        return {**told, "same": self.same, "skipped": skipped}


async def harvest(
    shelf: Shelf, verifier: Verifier, centre: Centre, what: Harvest, by: str, at: float
) -> Harvested:
    """Raises what the centre's answer is; then nothing has changed."""
    python = centre.descriptor.environment.python
    asked = {"form": what.form, "href": what.href, "roots": dict(centre.descriptor.roots)}
    findings = await centre.ask(reap(python, asked), deadline=_DEADLINE)
    skipped = [(one.skipped, Message(f"harvest.{one.why}")) for one in findings if one.skipped is not None]
    found = [one for one in findings if one.skipped is None]
    before = await shelf.read(select(entries).where(entries.c.source == what.source))
    pictured = {(one.name, one.version) for one in before if (one.found or {}).get("picture")}
    seen = await _look(verifier, centre, what, found, pictured, at)
    # Thousands of them take seconds to be made.
    products, left = await asyncio.to_thread(_products, what, found, seen)
    skipped += left
    listed = {reference(one) for one in found}
    # A list that was cut off does not say what has gone.
    whole = not any(why.code == "harvest.many" for _, why in skipped)
    renewed = await shelf.change(lambda connection: _renew(connection, products, listed, what, by, whole))
    for ref, made in products.items():
        kept = await shelf.entry(what.provider, *ref)
        await _tell(verifier, kept, made, what, seen.get(ref), at)
    return Harvested(*renewed, tuple(skipped))


async def _look(
    verifier: Verifier,
    centre: Centre,
    what: Harvest,
    found: Sequence[Finding],
    pictured: Collection[Ref],
    at: float,
) -> dict[Ref, tuple[Facts, Check]]:
    """What is seen of each that is data. Of what has changed the verifier makes the next preview."""
    parts = {
        reference(one): {"href": one.href, "opener": one.opener, "centre": what.centre}
        for one in found
        if one.kind == "dataset"
    }
    things = [Thing(part["href"] or "", what.centre, part) for part in parts.values()]
    wanted = [(thing, None, ref not in pictured) for ref, thing in zip(parts, things, strict=True)]
    answered = await verifier.look(centre, wanted)
    where = text(what.to_json())
    return {
        ref: (facts, verdicts.verdict(thing, facts, at, True, where))
        for ref, thing, facts in zip(parts, things, answered, strict=True)
        if facts is not None and not facts.late
    }


def _products(
    what: Harvest, found: Sequence[Finding], seen: Mapping[Ref, tuple[Facts, Check]]
) -> tuple[dict[Ref, Product], list[tuple[str, Message]]]:
    """What becomes an entry, and what does not, with the reason."""
    products: dict[Ref, Product] = {}
    left: list[tuple[str, Message]] = []
    for one in found:
        made = _product(what, one, seen.get(reference(one)), products)
        if isinstance(made, Product):
            products[reference(one)] = made
        else:
            left.append((one.name, made))
    return products, left


def _product(
    what: Harvest, one: Finding, seen: tuple[Facts, Check] | None, others: Mapping[Ref, Product]
) -> Product | Message:
    if reference(one) in others:
        return Message("harvest.twice")
    if one.kind == "dataset" and seen is None:
        return Message("harvest.unseen")
    if seen is not None and seen[1].reason is not None:
        return seen[1].reason
    return product(what, one, None if seen is None else seen[0])


async def _renew(
    connection: AsyncConnection,
    products: Mapping[Ref, Product],
    listed: set[Ref],
    what: Harvest,
    by: str,
    whole: bool,
) -> tuple[tuple[str, ...], tuple[str, ...], int, tuple[str, ...]]:
    """All rows of the harvest at once. What is found as it was is left alone; what is there and cannot be opened, too."""
    new, changed, same, vanished = [], [], 0, []
    for ref, made in products.items():
        row = (await connection.execute(rows.by_ref(what.provider, *ref))).mappings().first()
        kept = None if row is None else Kept.read(row)
        if kept is None:
            await rows.put(connection, made, by)
            kept = await rows.move(connection, (what.provider, *ref), Status.PUBLISHED, None, by)
            mine = update(entries).where(entries.c.number == kept.number)
            await connection.execute(mine.values(source=what.source))
            new.append(kept.ref)
        elif kept.source != what.source:
            raise Conflict("harvest.taken", entry=kept.ref)
        elif kept.status is Status.WITHDRAWN and kept.reason is not None and kept.reason.code == _VANISHED:
            # It alone comes back: nobody took it away.
            await rows.revise(connection, kept, by, {"status": Status.PUBLISHED, "reason": None})
            new.append((await rows.put(connection, made, by)).ref)
        elif kept.status is Status.WITHDRAWN or kept.document == made.to_json():
            same += 1
        else:
            changed.append((await rows.put(connection, made, by)).ref)
    if whole:
        before = select(entries).where(entries.c.source == what.source, entries.c.status != Status.WITHDRAWN)
        for row in (await connection.execute(before)).mappings().all():
            kept = Kept.read(row)
            if (kept.name, kept.version) not in listed:
                why = Message(_VANISHED, {"centre": text(what.to_json()), "place": what.href}).to_json()
                told = {"status": Status.WITHDRAWN, "reason": why}
                vanished.append((await rows.revise(connection, kept, by, told)).ref)
    return tuple(new), tuple(changed), same, tuple(vanished)


async def _tell(
    verifier: Verifier, kept: Kept, made: Product, what: Harvest, seen: tuple[Facts, Check] | None, at: float
) -> None:
    """What was seen is written down with the entry, as the verifier does."""
    if seen is not None:
        await verifier.write(kept, *seen)
    else:
        listed = [Check(one.name, what.centre, at, True, None, ("listed",)) for one in made.builds]
        await verifier.findings.write(kept, listed)
    back = verdicts.stood(kept)
    if kept.status.shown or back:
        await verifier.findings.conclude(kept, Conclusion(at, back))
