"""What is said to and of a Dask cluster: its object asks for workers' jobs and listens; its person asks for another size."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sampan.crew import MOST_WORKERS
from sampan.errors import Conflict, Forbidden
from sampan.stages import Kind, Target
from sampan_hub.asking import Anybody, Near, Parts, Still
from sampan_hub.records import Launch
from sampan_hub.services import Services
from sampan_hub.steps.crewing import dismiss, hire, say_workers
from sampan_hub.worker_script import ADDRESS

__all__ = ["routes"]

routes = APIRouter(prefix="/api/clusters/{launch}")

_BREATH: Final = 10.0
"""Seconds between two signs of life on a connection that has nothing to tell."""
_PATH: Final = r"^/[A-Za-z0-9._@+=,/-]{1,1000}$"
_PAGES: Final = r"^((/[A-Za-z0-9._~%@+-]+)+/sampan/dask/[0-9a-f]{32}/)?$"
"""A page of the Lab opens what stands there: one route of a session's server, and no other place."""
_Number = Annotated[int, Field(ge=0, le=999_999)]


class Order(BaseModel):
    """Workers' jobs, one a number. `key`: the same for whoever lost the answer and asks again."""

    model_config = ConfigDict(extra="forbid")
    key: str = Field(pattern=r"^[0-9a-f]{16,64}$")
    numbers: list[_Number] = Field(min_length=1, max_length=MOST_WORKERS)
    address: str = Field(pattern=f"^{ADDRESS}$")
    keys: str = Field(pattern=_PATH)
    """The folder of the cluster's TLS files, at the centre."""
    python: str = Field(default="", pattern=f"{_PATH}|^$")
    """The interpreter that the session began with, where environments are renewed under it."""


class Leave(BaseModel):
    model_config = ConfigDict(extra="forbid")
    jobs: list[Annotated[str, Field(pattern=r"^[0-9]{1,12}(_[0-9]{1,6})?$")]] = Field(max_length=MOST_WORKERS)


class State(BaseModel):
    """What a cluster's object says of itself: `workers` are connected of those that are `wanted`."""

    model_config = ConfigDict(extra="forbid")
    workers: int = Field(ge=0, le=1_000_000)
    wanted: int = Field(ge=0, le=1_000_000)
    minimum: int | None = Field(default=None, ge=0, le=1_000_000)
    maximum: int | None = Field(default=None, ge=0, le=1_000_000)
    pages: str = Field(default="", max_length=1000, pattern=_PAGES)
    """Where the session's server shows Dask's own pages."""
    scheduler: str = Field(default="", max_length=200, pattern=r"^[!-~]*$")
    keys: str = Field(default="", pattern=f"{_PATH}|^$")


class Size(BaseModel):
    """Either `workers`, or from `minimum` to `maximum` as there is work."""

    model_config = ConfigDict(extra="forbid")
    workers: int | None = Field(default=None, ge=0, le=MOST_WORKERS)
    minimum: int | None = Field(default=None, ge=0, le=MOST_WORKERS)
    maximum: int | None = Field(default=None, ge=0, le=MOST_WORKERS)

    @model_validator(mode="after")
    def _one_of_both(self) -> Size:
        fixed, span = self.workers is not None, (self.minimum is not None, self.maximum is not None)
        if span != (not fixed, not fixed) or (self.minimum or 0) > (self.maximum or self.minimum or 0):
            raise ValueError("either workers, or minimum and maximum, in this order")
        return self


async def _cluster(near: Near, person: Anybody) -> Launch:
    """To run code as somebody is for nobody else: an administrator sees and stops, and goes no further."""
    if person.name != near.owner:
        raise Forbidden("access.owner")
    if near.kind is not Kind.CLUSTER:
        raise Conflict("cluster.is_none")
    if near.ended_at is not None:
        raise Conflict("launch.over", launch=near.id)
    return near


Cluster = Annotated[Launch, Depends(_cluster)]


@routes.post("/workers")
async def hire_workers(launch: Cluster, order: Order, services: Parts) -> dict[str, dict[str, str]]:
    """Submits workers' jobs, all of them at once; each number's job."""
    # Whoever hangs up while we ask may ask again; what is under way is not said twice.
    return {"jobs": await asyncio.shield(_hire(services, launch.id, order))}


async def _hire(services: Services, launch: str, order: Order) -> dict[str, str]:
    roster = services.rosters.of(launch)
    async with roster.hiring:
        jobs = roster.answers.get(order.key)
        if jobs is None:
            # As it is now: it may have been stopped while this waited for its turn.
            row = await services.store.launch(launch)
            if row is None or row.ended_at is not None:
                raise Conflict("launch.over", launch=launch)
            told = {"key": order.key, "address": order.address, "keys": order.keys, "python": order.python}
            jobs = await hire(services, row, tuple(sorted(set(order.numbers))), **told)
            roster.remember(order.key, jobs)
    return jobs


@routes.post("/leave", status_code=204)
async def dismiss_workers(launch: Cluster, leave: Leave, services: Parts) -> None:
    """Ends single workers' jobs."""
    # Also where whoever asked does not wait for so many: they are not asked for again.
    await asyncio.shield(dismiss(services, launch, leave.jobs))


@routes.put("/state", status_code=204)
async def tell_state(launch: Cluster, state: State, services: Parts) -> None:
    """What the cluster's object says of itself, whenever that is something else."""
    services.rosters.of(launch.id).state = state.model_dump()
    await say_workers(services, launch)


@routes.get("/wishes")
async def listen_for_wishes(launch: Cluster, services: Parts, still: Still) -> StreamingResponse:
    """Lines of JSON: sizes that its person asks for elsewhere, and `{"over": true}`. A cluster lives while its object listens."""
    return StreamingResponse(_wishes(services, launch, still), media_type="application/x-ndjson")


async def _wishes(
    services: Services, launch: Launch, still: Callable[[], Awaitable[bool]]
) -> AsyncGenerator[str, None]:
    roster = services.rosters.of(launch.id)
    with roster.listener(services.links.get(str(launch.parent))):
        yield "{}\n"
        while True:
            try:
                async with asyncio.timeout(_BREATH):
                    await roster.news.wait()
            except TimeoutError:
                if not await still():
                    return
                yield "{}\n"
            row = await services.store.launch(launch.id)
            if row is None or row.target is not Target.READY or row.ended_at is not None:
                yield '{"over": true}\n'
                return
            if (wish := roster.take()) is not None:
                yield f"{json.dumps(wish)}\n"


@routes.get("")
async def show_cluster(launch: Cluster, services: Parts) -> dict[str, Any]:
    """What its object last said, whether it listens, and the path of the session's server that it belongs to; empty: none."""
    roster = services.rosters.of(launch.id)
    told = {**State(workers=0, wanted=0).model_dump(), **roster.state}
    return {"id": launch.id, "listens": roster.listens, "session": await _session(services, launch), **told}


async def _session(services: Services, launch: Launch) -> str:
    above = launch
    while above.parent is not None and (parent := await services.store.launch(above.parent)) is not None:
        above = parent
    return above.prefix if above.kind is Kind.SERVER else ""


@routes.put("/size", status_code=202)
async def ask_for_size(launch: Cluster, size: Size, services: Parts) -> dict[str, Any]:
    """Asks the cluster's object for another size; it is told at once."""
    roster = services.rosters.of(launch.id)
    if not roster.listens:
        raise Conflict("cluster.silent")
    roster.ask_for(size.model_dump(exclude_none=True))
    return await show_cluster(launch, services)
