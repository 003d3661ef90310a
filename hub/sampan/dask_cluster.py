"""`sampan.cluster`: Dask workers as jobs of the centre this notebook runs at."""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sampan import calls
from sampan.calls import Json
from sampan.client import AsyncBroker, Broker
from sampan.crew import Crew
from sampan.errors import Conflict, Invalid, Missing, Unavailable
from sampan.facts import Facts, plain
from sampan.foreman import Foreman
from sampan.need import Need
from sampan.pages import Pages, folder
from sampan.seal import Seal
from sampan.whereabouts import Here, here

if TYPE_CHECKING:
    from distributed import Client

    from sampan.job_cluster import CentreCluster

__all__ = ["cluster", "dask_client", "open_cluster", "own_address"]

LOOPBACK: Final = "127.0.0.1"
_GOES: Final = 60.0
"""Seconds for which a cluster of the same name that is being ended is waited for."""
_LISTENS: Final = 5.0
"""Seconds in which an object that is there listens: one that is being opened, or whose way was cut just now."""


def cluster(
    workers: int = 2,
    cores: int = 1,
    memory: str | float = "1 GiB",
    hours: float | None = None,
    name: str | None = None,
    accelerator: str | None = None,
    accelerators: int | None = None,
) -> CentreCluster:
    """Dask workers on this centre's nodes: each a job of its own with `cores` and `memory` (a text, or GiB).

    With an `accelerator`, a type as the centre names it ("dcu"), each has that many `accelerators`, one where nothing is said.
    They live for `hours`, at most and by default as long as this session. Use it as Dask's own clusters::

        with sampan.cluster(workers=4) as cluster, Client(cluster) as client:
            client.wait_for_workers(4)

    The jobs are submitted when this returns and may still be queued. All connections are encrypted with keys made for
    this cluster; the jobs end with it. `name` is shown in lists. Raises `Missing` (no session, no Dask), `Invalid` (an
    argument), `Refused` (the centre cannot give that), `Unavailable` (the broker or the scheduler gives no answer).
    """
    place = here()
    facts = facts_of(place.centre, place.share)
    crew = Crew.plan(
        facts,
        place,
        workers=workers,
        cores=cores,
        memory=memory,
        hours=hours,
        accelerator=accelerator,
        accelerators=accelerators,
    )
    return open_cluster(facts, place, crew, name)


def dask_client(name: str) -> Client:
    """A Dask client of this session's cluster of that name, for any notebook of the session.

    Raises `Missing` where there is none, `Unavailable` where its notebook or the broker gives no answer.
    """
    place = here()
    with Broker.from_environment() as broker:
        one = _named(broker, name)
        if one is None or one["parent"] != place.launch:
            raise Missing("cluster.unknown", name=name)
        told = broker.ask(calls.cluster(one["id"]))
    if not told["listens"] or not told["scheduler"]:
        raise Unavailable("cluster.silent")
    try:
        from sampan.job_cluster import CentreClient
    except ModuleNotFoundError as error:
        raise Missing("cluster.no_dask", str(error)) from error
    security = Seal(Path(told["keys"])).security()
    return CentreClient(told["scheduler"], security=security, pages=str(told["pages"]))


@cache
def facts_of(centre: str, share: str) -> Facts:
    """Asked once a session: what a centre is does not change while a job runs there."""
    with Broker.from_environment() as broker:
        return Facts.parse(broker.facts(centre, share))


def open_cluster(
    facts: Facts, place: Here, crew: Crew, name: str | None = None, environ: Mapping[str, str] = os.environ
) -> CentreCluster:
    """Asks for a launch of kind cluster, and for `crew` as its workers."""
    kind = _kind()
    try:
        parent = Path(plain(folder(environ)))
        # Where environments are renewed under running sessions, workers have the one that this session began with.
        python = plain(environ["SAMPAN_PYTHON"]) if environ.get("SAMPAN_PYTHON") else ""
    except ValueError as error:
        raise Invalid("here.field", str(error), field="SAMPAN_TAG, SAMPAN_PYTHON, HOME") from error
    size = crew.cores, crew.memory_mib, crew.minutes, crew.accelerator, crew.accelerators
    need = Need(*size, centre=place.centre)
    with ExitStack() as undo, Broker.from_environment(environ) as broker:
        seal = Seal.make(parent)
        undo.callback(seal.remove)
        called = name or f"dask-{secrets.token_hex(4)}"
        launch, session = _launch(broker, called, need, place.launch)
        undo.callback(broker.stop, launch)
        order = {"keys": str(seal.directory), "python": python}
        made = kind(
            seal=seal,
            pages=Pages.beside(seal.directory, session, environ),
            foreman=Foreman(AsyncBroker.from_environment(environ), launch, order),
            host=LOOPBACK if facts.scheduler == "process" else own_address(place.node),
            name=launch,
            **_job(crew, seal),
        )
        undo.pop_all()
    try:
        made.submit(crew.workers)
    except BaseException:
        made.close()
        raise
    return made


def _launch(broker: Broker, name: str, need: Need, parent: str) -> tuple[str, str]:
    """A launch of this object alone, and the path of the session that it belongs to.

    One of that name is never taken over, as its workers may be of another size: where nobody listens to it any more it is
    ended, and one on its way out is waited for. Raises `Conflict` where another object has it, or where it does not go.
    """
    began = time.monotonic()
    while (other := _named(broker, name)) is not None:
        launch, waited = str(other["id"]), time.monotonic() - began
        if other["target"] == "ready":
            if other["parent"] != parent or broker.ask(calls.cluster(launch))["listens"]:
                raise Conflict("cluster.name_taken", name=name)
            if waited >= _LISTENS:
                broker.stop(launch)
        if waited > _GOES:
            raise Conflict("launch.over", launch=launch)
        time.sleep(0.5)
    made = str(broker.ask(calls.create("cluster", name, need.to_options(), "/", parent=parent))["id"])
    told = broker.ask(calls.cluster(made))
    if told["listens"]:
        raise Conflict("cluster.name_taken", name=name)
    return made, str(told.get("session", ""))


def _named(broker: Broker, name: str) -> Json | None:
    mine = broker.launches()
    return next((one for one in mine if (one["kind"], one["name"]) == ("cluster", name)), None)


def _kind() -> type[CentreCluster]:
    try:
        from sampan.job_cluster import CentreCluster  # the trunk runs without Dask
    except ModuleNotFoundError as error:
        raise Missing("cluster.no_dask", str(error)) from error
    return CentreCluster


def own_address(node: str) -> str | None:
    """Where the centre's other nodes reach this one, by the name that they know it under; None where that is only itself.

    Left to itself Dask asks how it would reach the internet, and warns the person where there is none.
    """
    try:
        found = socket.getaddrinfo(node, None, family=socket.AF_INET, type=socket.SOCK_STREAM)
    except OSError:
        return None
    addresses = [str(sockaddr[0]) for *_, sockaddr in found]
    return next((each for each in addresses if not ipaddress.ip_address(each).is_loopback), None)


def _job(crew: Crew, seal: Seal) -> dict[str, Any]:
    """What every dask-jobqueue Job takes. One process a job: its threads share the data, and its end is the job's."""
    return {
        "cores": crew.cores,
        "memory": f"{crew.memory_mib} MiB",
        "processes": 1,
        "nanny": False,
        "log_directory": str(seal.directory.parent),
    }
