"""The broker's HTTP interface: one set of routes for spawner, panels, commands and scripts."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header, Query
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from sampan.errors import Conflict, Forbidden
from sampan.stages import Kind
from sampan_hub import cluster_api, ends, facts, kernel_api, lab_files, overview, plans
from sampan_hub.asking import Anybody, Maker, Mine, Near, Parts, Still, Who
from sampan_hub.body_limit import BodyLimit
from sampan_hub.catalogue import web as catalogue
from sampan_hub.events import events
from sampan_hub.http_errors import answer_errors
from sampan_hub.intake import read_need
from sampan_hub.kinds import KINDS
from sampan_hub.launching import Launching
from sampan_hub.metrics import Metrics
from sampan_hub.offers import freshen
from sampan_hub.people import Logins, Person, crowd
from sampan_hub.records import Launch
from sampan_hub.services import Services
from sampan_hub.settings import PREFIX
from sampan_hub.steps.ending import log_tail
from sampan_hub.steps.placing import advise
from sampan_hub.steps.waiting import with_starts
from sampan_hub.views import centre_view, launch_view

__all__ = ["PREFIX", "make_app"]

_PRINTABLE = r"^[!-~]*$"

routes = APIRouter(prefix="/api")


class Wish(BaseModel):
    """Raw options as a form, a link or a script sent them: read by the broker's intake and nowhere else."""

    model_config = ConfigDict(extra="forbid")
    options: dict[str, Any] = Field(default_factory=dict, max_length=64)


class NewLaunch(Wish):
    kind: Kind = Kind.SERVER
    name: str = Field(default="", max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")
    prefix: str = Field(default="/", max_length=1024, pattern=r"^/([!-~]*/)?$")
    parent: str | None = Field(default=None, pattern=r"^[a-z0-9]{4,16}$")
    groups: list[str] = Field(default_factory=list, max_length=1000)
    """JupyterHub's groups of the owner, as the hub tells them; from anybody else they are not believed."""


class MoveOn(BaseModel):
    """The time limit of the new session in minutes; the same again where none is said."""

    model_config = ConfigDict(extra="forbid")
    minutes: int | None = Field(default=None, ge=1, le=720 * 60)


class Activity(BaseModel):
    model_config = ConfigDict(extra="forbid")
    idle_seconds: float = Field(ge=0, allow_inf_nan=False)


class Identity(BaseModel):
    """An environment as execve takes it: no NUL, and names that no shell reads as anything else."""

    model_config = ConfigDict(extra="forbid")
    env: dict[
        Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")],
        Annotated[str, Field(max_length=32768, pattern=r"^[^\x00]*$")],
    ] = Field(max_length=200)


@routes.get("/")
async def about() -> dict[str, Any]:
    """The broker's version and the version of this interface."""
    return {"version": version("sampan"), "api": 1}


@routes.get("/me")
async def who_am_i(person: Who) -> dict[str, Any]:
    """Who is asking, and the roles that JupyterHub gives them: by groups `sampan:operator:<centre>`, `sampan:provider:<name>`."""
    return {
        "name": person.name,
        "admin": person.admin,
        "operates": sorted(person.operates),
        "provides": sorted(person.provides),
    }


@routes.get("/plans")
async def list_plans(person: Who) -> list[dict[str, Any]]:
    """The plans a person may start from."""
    return [plan.to_json() for plan in plans.PLANS.values()]


@routes.get("/centres")
async def list_centres(services: Parts, person: Who) -> list[dict[str, Any]]:
    """Every centre with its capacity."""
    await freshen(services)
    return [
        centre_view(services, centre, services.watches[name])
        for name, centre in sorted(services.directory.centres.items())
        if name in services.watches
    ]


@routes.get("/problems")
async def list_problems(services: Parts, person: Who) -> dict[str, list[dict[str, Any]]]:
    """Descriptor files that cannot be used, and everything that is wrong with each.

    An operator is told of the files of the centres that they operate, an administrator of all.
    """
    if not (person.admin or person.operates):
        raise Forbidden("access.operator")
    directory = services.directory
    return {
        name: [error.message.to_json() for error in errors]
        for name, errors in directory.problems.items()
        if person.admin or person.operates & directory.concerns(name)
    }


@routes.get("/centres/{centre}/facts")
async def centre_facts(
    centre: str, services: Parts, person: Anybody, share: str | None = None
) -> dict[str, Any]:
    """What a program inside a job needs to know about its centre to start more jobs there."""
    return facts.notebook_facts(services.centre(centre), share)


@routes.post("/place")
async def place(wish: Wish, services: Parts, person: Who) -> dict[str, Any]:
    """What a need would get just now at each centre, and why. Starts nothing."""
    need = read_need(wish.options)
    return with_starts(services, await advise(services, need, person.name)).to_json()


@routes.post("/launches", status_code=201)
async def create_launch(
    new: NewLaunch,
    services: Parts,
    person: Anybody,
    launching: Maker,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=128, pattern=_PRINTABLE)] = None,
) -> JSONResponse:
    """Asks for a launch; the live one of the same owner, kind and name is returned where there is one already."""
    # A server is asked for through the hub, which owns its login; code in a job asks for what is to end with its launch.
    if KINDS[new.kind].by_hub and not person.hub:
        raise Forbidden("launch.server_by_hub", where=f"{services.settings.public_url}/hub/spawn")
    if person.within is not None and not (KINDS[new.kind].by_jobs and new.parent in (None, person.within)):
        raise Forbidden("access.job")
    if new.kind is Kind.CLUSTER and person.within is None and new.parent is None:
        raise Conflict("cluster.no_parent")
    need = read_need(new.options)
    launch, created = await launching.create(
        person.name,
        new.kind,
        new.name,
        need,
        options=new.options,
        prefix=new.prefix,
        parent=person.within or new.parent,
        idempotency_key=idempotency_key,
        crowd=crowd(new.groups if person.hub else person.groups),
    )
    if not created and person.within not in (None, launch.parent):
        raise Conflict("cluster.name_taken", name=new.name)
    return JSONResponse(await _view(services, launch, person), status_code=201 if created else 200)


@routes.get("/launches")
async def list_launches(
    services: Parts,
    person: Anybody,
    every: Annotated[bool, Query(alias="all")] = False,
    owner: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 200,
) -> list[dict[str, Any]]:
    """The newest live launches of one's own; `all=1` adds ended ones; administrators may name an owner, or `*`."""
    wanted = owner or person.name
    if wanted != person.name and not person.admin:
        raise Forbidden("access.owner")
    whose = None if wanted == "*" else wanted
    rows = await services.store.launches(whose, live_only=not every, within=person.within, limit=limit)
    return [await _view(services, row, person) for row in rows]


@routes.get("/launches/{launch}")
async def show_launch(launch: Near, services: Parts, person: Anybody) -> dict[str, Any]:
    """One launch with its attempts."""
    if person.hub and launch.id in services.ends_heard and not launch.live:
        services.end_heard(launch.id).set()
    return await _view(services, launch, person)


@routes.delete("/launches/{launch}", status_code=202)
async def stop_launch(launch: Near, services: Parts, person: Anybody, launching: Maker) -> dict[str, Any]:
    """Ends a launch; the job is confirmed gone before the launch is shown as ended."""
    if launch.ended_at is None:
        await launching.stop(launch)
    row = await services.store.launch(launch.id)
    return await _view(services, row or launch, person)


@routes.post("/launches/{launch}/let-go", status_code=202)
async def let_go_launch(launch: Mine, services: Parts, person: Who, launching: Maker) -> dict[str, Any]:
    """Ends a launch that nobody can say anything of, by its person's decision; its job is ended when its centre answers."""
    await launching.let_go(launch)
    row = await services.store.launch(launch.id)
    return await _view(services, row or launch, person)


@routes.post("/launches/{launch}/move-on", status_code=202)
async def move_on(
    launch: Mine, services: Parts, person: Who, launching: Maker, wish: MoveOn | None = None
) -> dict[str, Any]:
    """Starts a new session at the same centre; it takes the place of this one when it is there. Variables are not carried."""
    await launching.move_on(launch, wish.minutes if wish else None)
    row = await services.store.launch(launch.id)
    return await _view(services, row or launch, person)


@routes.get("/launches/{launch}/events")
async def follow_launch(
    launch: Near,
    services: Parts,
    still: Still,
    last_event_id: Annotated[str, Header(pattern=r"^[0-9]{0,18}$")] = "",
) -> StreamingResponse:
    """Server-sent events of a launch, from the first or from Last-Event-ID on, until it has ended."""
    steps = events(services.store, launch.id, int(last_event_id or 0), still)
    return StreamingResponse(steps, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


@routes.get("/launches/{launch}/log")
async def read_log(launch: Near, services: Parts) -> dict[str, str]:
    """The end of the job's log."""
    attempts = await services.store.attempts(launch.id)
    if not attempts:
        return {"text": ""}
    last = attempts[-1]
    return {"text": last.tail or await log_tail(services, launch, last) or ""}


@routes.put("/launches/{launch}/activity")
async def tell_activity(launch: Mine, activity: Activity, services: Parts) -> dict[str, int]:
    """A session says for how long nothing has been done in it, and is told for how long that may be (0: for ever)."""
    if launch.live:
        services.idleness.hear(launch.id, activity.idle_seconds)
    return {"idle_limit": services.idleness.limit}


@routes.put("/launches/{launch}/identity", status_code=204)
async def tell_identity(launch: Mine, identity: Identity, services: Parts, person: Who) -> None:
    """The environment that the launch's server is to get when it is reached. For the hub alone; kept in memory only."""
    _hub_only(person)
    if launch.ended_at is None:
        services.identities[launch.id] = identity.env
        services.wake(launch.id)


@routes.get("/launches/{launch}/identity")
async def ask_identity(launch: Mine, services: Parts, person: Who) -> dict[str, str | None]:
    """The API token that the running server was given, read back from its launcher. For the hub alone."""
    _hub_only(person)
    link = services.links.get(launch.id)
    return {"api_token": await link.identity() if link is not None else None}


def _hub_only(person: Person) -> None:
    if not person.hub:
        raise Forbidden("access.hub_only")


async def _view(services: Services, launch: Launch, person: Person) -> dict[str, Any]:
    return launch_view(services, launch, await services.store.attempts(launch.id), person)


def make_app(services: Services, logins: Logins, launching: Launching, metrics: Metrics) -> FastAPI:
    """The application; it holds no state of its own."""
    openapi = f"{PREFIX}/openapi.json"
    app = FastAPI(
        title="Sampan broker", version=version("sampan"), docs_url=None, redoc_url=None, openapi_url=openapi
    )
    app.state.services, app.state.logins, app.state.launching = services, logins, launching
    app.state.metrics, app.state.pages = metrics, overview.StatusPages(services)
    app.include_router(routes, prefix=PREFIX)
    for part in (*catalogue.PARTS, cluster_api, ends, kernel_api, lab_files, overview):
        app.include_router(part.routes, prefix=PREFIX)
    app.add_middleware(BodyLimit)
    answer_errors(app)
    return app
