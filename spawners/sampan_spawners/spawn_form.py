"""The start form: plans first, then where each centre stands, details folded away. Read by the broker, never here.

Everything shown comes from the broker as values and is rendered by `templates/sampan/`; what a person types goes to the
broker unread. The same fragment serves the first page and every live update.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from sampan.client import AsyncBroker
from sampan.errors import SampanError
from sampan.messages import Message
from sampan.need import NEED_VERSION
from sampan_spawners.following import Json
from sampan_spawners.fragments import render

if TYPE_CHECKING:
    from sampan_spawners.spawner import SampanSpawner

__all__ = ["chosen", "options_form", "places", "sendable", "wanted_plan"]

FIELDS: Final = ("cores", "memory", "hours", "accelerator", "accelerators")
CARRIED: Final = ("software", "data")
"""Options that a link may bring and that have no field yet: they stay what they are."""
ANYWHERE: Final = "centre"
USUAL: Final = "standard"


async def options_form(spawner: SampanSpawner) -> str:
    """The form, filled in with what the link asks for, else with what this person took last."""
    options = chosen(_asked(spawner))
    plans: list[Json] = []
    centres: list[Json] = []
    problem: Message | None = None
    try:
        broker = spawner.broker
        plans, centres = await asyncio.gather(broker.plans(), broker.centres())
    except SampanError as error:
        problem = error.message
    plan = wanted_plan(options, plans)
    if not options and plan:
        options = {key: str(value) for key, value in plan["options"].items()}
    answer = await places(spawner.broker, options, centres) if problem is None else None
    return str(
        render(
            "form.html",
            version=NEED_VERSION,
            plans=[{**one, "figures": {key: one["options"].get(key, "") for key in FIELDS}} for one in plans],
            plan=plan["id"] if plan else "",
            options={key: options.get(key, "") for key in (*FIELDS, *CARRIED)},
            accelerators=sorted({kind for centre in centres for kind in _accelerators(centre)}),
            places=answer,
            problem=None if problem is None else problem.to_json(),
            simulated=spawner.simulated,
        )
    )


def _asked(spawner: SampanSpawner) -> Mapping[str, object]:
    handler = spawner.handler
    arguments = {} if handler is None else handler.request.query_arguments
    link = {
        key.removeprefix("opt-"): [value.decode("utf-8", "replace") for value in values]
        for key, values in arguments.items()
        if key.startswith("opt-")
    }
    return link or spawner.user_options or {}


def chosen(raw: Mapping[str, object]) -> dict[str, str]:
    """The options that the form can show, one text each; whatever else there is stays for the broker to judge."""
    options: dict[str, str] = {}
    for key in ("plan", ANYWHERE, *FIELDS, *CARRIED):
        value = raw.get(key)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            options[key] = str(value)
    return options


def wanted_plan(options: Mapping[str, str], plans: list[Json]) -> Json | None:
    """The plan that is marked: the one named, the one that says the same, or the usual one; None: their own wish."""
    by_id = {plan["id"]: plan for plan in plans}
    if "plan" in options:
        return by_id.get(options["plan"])
    if not any(key in options for key in FIELDS):
        return by_id.get(USUAL) or next(iter(plans), None)
    for plan in plans:
        says = {key: str(value) for key, value in plan["options"].items() if key in FIELDS}
        if says == {key: options[key] for key in FIELDS if key in options}:
            return plan
    return None


async def places(
    broker: AsyncBroker, options: Mapping[str, object], centres: list[Json] | None = None
) -> Json:
    """What these options would get at each centre: `{"html", "query", "field", "startable"}`.

    The list is made as if nothing were pinned, so that a person sees what else there is; the link holds the pin.
    """
    pinned = chosen(options).get(ANYWHERE, "")
    free = {key: value for key, value in options.items() if key != ANYWHERE}
    try:
        answer = await broker.place(free)
        known = await broker.centres() if centres is None else centres
        query = answer["query"] if not pinned else (await broker.place(options))["query"]
    except SampanError as error:
        html = render("problem.html", problem=error.message.to_json(), retry=error.retry)
        return {
            "html": str(html),
            "query": "",
            "field": str(error.message.params.get("field", "")),
            "startable": error.retry,
        }
    rows = _rows(answer, {centre["id"]: centre for centre in known}, chosen(options).get("accelerator"))
    startable = any(row["verdict"] != "no" and pinned in ("", row["id"]) for row in rows)
    html = render("places.html", rows=rows, pinned=pinned, startable=startable)
    return {"html": str(html), "query": str(query), "field": "", "startable": startable}


def _rows(answer: Json, centres: Mapping[str, Json], accelerator: str | None) -> list[Json]:
    """One row a centre, the best of its shares; the broker's order is kept."""
    rows: dict[str, Json] = {}
    for candidate in [*answer["ranked"], *({**refused, "verdict": "no"} for refused in answer["refused"])]:
        id_ = candidate["centre"]
        if id_ in rows:
            continue
        centre = centres.get(id_, {})
        rows[id_] = {
            "id": id_,
            "names": candidate["names"],
            "place": _town(centre.get("place")),
            "verdict": candidate["verdict"],
            "reasons": candidate["reasons"],
            "start": _start(candidate),
            "problem": centre.get("problem"),
            "age": centre.get("age") if centre.get("state") != "ok" else None,
            "room": _room(centre, candidate.get("share"), accelerator),
        }
    return list(rows.values())


def _start(candidate: Json) -> Json | None:
    """What is said of how long starts take there. Where there is room that nothing is known is nothing to worry about."""
    start = candidate.get("start")
    if not start or (candidate["verdict"] == "now" and not start["starts"]):
        return None
    return dict(start["words"])


def _room(centre: Json, share: str | None, accelerator: str | None) -> Json | None:
    """Free and all cores (or accelerators) of the share in question; None where nothing is known."""
    shares = centre.get("shares") or []
    if centre.get("state") == "unknown" or not shares:
        return None
    measured = next((known for known in shares if known["id"] == share), None) or max(
        shares, key=lambda known: int(known["cores_total"] or 0)
    )
    total, free = measured["cores_total"], measured["cores_free"]
    unit = "cores"
    if accelerator and accelerator in (measured.get("accelerators") or {}):
        total, free = measured["accelerators"][accelerator]
        unit = "cards"
    if not total or free is None:
        return None
    return {
        "total": int(total),
        "free": int(free),
        "unit": unit,
        "waiting": int(measured.get("pending") or 0),
    }


def _town(place: object) -> Json | None:
    """Where the centre is, in the languages that its descriptor has."""
    city = place.get("city") if isinstance(place, Mapping) else None
    return dict(city) if isinstance(city, Mapping) else None


def _accelerators(centre: Json) -> set[str]:
    return {kind for share in centre.get("shares") or [] for kind in share.get("accelerators") or {}}


def sendable(options: Json) -> Json:
    """The options as they came, unread; only bytes (an uploaded file) become text, so that the broker can refuse them."""
    return {key: value if _is_json(value) else repr(value)[:200] for key, value in options.items()}


def _is_json(value: object) -> bool:
    if isinstance(value, list):
        return all(_is_json(item) for item in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    return value is None or isinstance(value, str | int | float)
