"""`sampan.cluster`: Dask workers as jobs of the centre this notebook runs at."""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sampan.client import Broker
from sampan.crew import Crew
from sampan.errors import Invalid, Missing, Unavailable
from sampan.facts import Facts, plain
from sampan.seal import WORKER_ARGUMENTS, Seal
from sampan.whereabouts import Here, here
from sampan.worker_script import prologue

if TYPE_CHECKING:
    from sampan.job_cluster import SealedCluster

__all__ = ["cluster", "open_cluster", "own_address"]

LOOPBACK: Final = "127.0.0.1"
DEATH_TIMEOUT: Final = 60
"""Seconds that a worker looks for its scheduler before it gives its job back."""


def cluster(
    workers: int = 2, cores: int = 1, memory: str | float = "1 GiB", hours: float | None = None
) -> SealedCluster:
    """Dask workers on this centre's nodes: each a job of its own with `cores` and `memory` (a text, or GiB).

    They live for `hours`, at most and by default as long as this session. Use it as Dask's own clusters::

        with sampan.cluster(workers=4) as cluster, Client(cluster) as client:
            client.wait_for_workers(4)

    The jobs are submitted when this returns and may still be queued. All connections are encrypted with keys made for
    this cluster; the jobs end with it. Raises `Missing` (no session, no Dask), `Invalid` (an argument), `Refused` (the
    centre cannot give that), `Unavailable` (the broker or the scheduler gives no answer).
    """
    place = here()
    facts = facts_of(place.centre, place.share)
    crew = Crew.plan(facts, place, workers=workers, cores=cores, memory=memory, hours=hours)
    return open_cluster(facts, place, crew)


@cache
def facts_of(centre: str, share: str) -> Facts:
    """Asked once a session: what a centre is does not change while a job runs there."""
    with Broker.from_environment() as broker:
        return Facts.parse(broker.facts(centre, share))


def open_cluster(
    facts: Facts, place: Here, crew: Crew, environ: Mapping[str, str] = os.environ
) -> SealedCluster:
    """Submits `crew` at the centre of `facts`; the broker is not asked."""
    kind = _kind(facts)
    session = environ.get("SAMPAN_TAG") or f"sampan-{place.launch}"
    # The session's own directory: in the home that the nodes share, and nobody else's.
    folder = environ.get("SAMPAN_ATTEMPT_DIR") or str(Path.home() / ".sampan" / "attempts" / session)
    try:
        tag, parent = plain(f"{session}-dask-{secrets.token_hex(4)}"), Path(plain(folder))
        # Where environments are renewed under running sessions, workers have the one that this session began with.
        facts = replace(facts, python=plain(environ.get("SAMPAN_PYTHON") or facts.python))
    except ValueError as error:
        raise Invalid("here.field", str(error), field="SAMPAN_TAG, SAMPAN_PYTHON, HOME") from error
    seal = Seal.make(parent, facts.scratch)
    try:
        made = kind(
            seal=seal,
            host=LOOPBACK if facts.scheduler == "process" else own_address(place.node),
            name=tag,
            **_job(facts, place, crew, tag, seal),
            **_SPECIFIC[facts.scheduler](facts, crew),
        )
    except BaseException:
        seal.remove()
        raise
    try:
        made.submit(crew.workers)
    except BaseException:
        made.close()
        raise
    return made


def _kind(facts: Facts) -> type[SealedCluster]:
    try:
        if facts.scheduler == "process":
            from sampan.process_cluster import ProcessCluster  # the trunk runs without Dask

            return ProcessCluster
        from sampan.slurm_cluster import SlurmCluster

        return SlurmCluster
    except ModuleNotFoundError as error:
        raise Missing("cluster.no_dask", str(error)) from error


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


def _job(facts: Facts, place: Here, crew: Crew, tag: str, seal: Seal) -> dict[str, Any]:
    """What every dask-jobqueue Job takes. One process a job: its threads share the data, and its end is the job's."""
    host = ("--host", LOOPBACK) if facts.scheduler == "process" else ()
    return {
        "cores": crew.cores,
        "memory": f"{crew.memory_mib} MiB",
        "processes": 1,
        "nanny": False,
        "python": facts.python,
        "job_name": tag,
        "death_timeout": DEATH_TIMEOUT,
        "log_directory": str(seal.directory.parent),
        "local_directory": str(seal.spill),
        "job_script_prologue": prologue(facts, place, crew, tag),
        "worker_extra_args": [*host, *WORKER_ARGUMENTS],
    }


def _process(facts: Facts, crew: Crew) -> dict[str, Any]:
    if facts.spool is None:
        raise Unavailable("cluster.facts", centre=facts.centre, field="spool")
    program = (facts.python, "-m", "sampan_kernels.processes", "--spool", facts.spool)
    return {"program": program, "queue": facts.queue, "minutes": crew.minutes}


def _slurm(facts: Facts, crew: Crew) -> dict[str, Any]:
    hours, minutes = divmod(crew.minutes, 60)
    return {
        "queue": facts.queue,
        "walltime": f"{hours:02}:{minutes:02}:00",
        # A session's environment holds its person's token, and slurmctld would keep it: nothing of it is handed on.
        "job_extra_directives": [
            "--export=NIL",
            "--no-requeue",
            *(f"--{option}={value}" for option, value in facts.directives),
        ],
    }


_SPECIFIC: Final[Mapping[str, Callable[[Facts, Crew], dict[str, Any]]]] = {
    "process": _process,
    "slurm": _slurm,
}
