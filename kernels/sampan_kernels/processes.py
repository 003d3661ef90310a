"""The process scheduler: a batch system of one machine, without a daemon. `python -m sampan_kernels.processes`

Jobs are detached processes within declared cores and memory, first come, first served; they outlive whoever submitted
them. Cores are admitted, not enforced; memory is watched. Standard library only. Answers are JSON on standard output; a
refusal is one line on standard error and exit status 3.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sampan_kernels import procfs
from sampan_kernels.shepherd import Shepherd
from sampan_kernels.spool import Job, Spool

__all__ = ["main"]

REFUSED: Final = 3
LONGEST_SCRIPT: Final = 1 << 20
_TAG: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_PUBLIC: Final = [
    "id",
    "tag",
    "account",
    "queue",
    "cores",
    "memory_mib",
    "accelerator",
    "accelerators",
    "minutes",
    "state",
    "reason",
    "exit_code",
    "node",
    "submitted_at",
    "started_at",
    "ended_at",
    "peak_memory_mib",
]


class RefusedError(Exception):
    """What was asked for cannot be; the text is for the one who asked."""


def submit(spool: Spool, told: argparse.Namespace) -> str:
    """Writes the job of standard input down, and starts its shepherd; the answer is the job's number."""
    script = sys.stdin.buffer.read(LONGEST_SCRIPT + 1)
    if len(script) > LONGEST_SCRIPT:
        raise RefusedError(f"the script is larger than {LONGEST_SCRIPT} bytes")
    if not _TAG.fullmatch(told.tag):
        raise RefusedError("the tag is not a short name")
    fields = {name: getattr(told, name) for name in ("tag", "queue", "cores", "memory_mib", "minutes", "log")}
    fields |= {"accelerator": told.accelerator, "accelerators": told.accelerators}
    with spool.locked():
        limits = spool.limits
        for name in ("cores", "memory_mib"):
            if not 1 <= fields[name] <= limits[name]:
                raise RefusedError(f"{name} must be from 1 to {limits[name]}; {fields[name]} was asked for")
        if told.accelerator and not 1 <= told.accelerators <= limits.get("accelerators", {}).get(
            told.accelerator, 0
        ):
            raise RefusedError(f"there are not {told.accelerators} of {told.accelerator} here")
        job = spool.add(fields, script)
        reader = _detach(spool, job)
    # The number is told only when somebody looks after the job.
    with os.fdopen(reader, "rb") as pipe:
        if pipe.read(1) != b"1":
            raise RefusedError("the job's shepherd could not be started")
    return str(job["id"])


def _detach(spool: Spool, job: Job) -> int:
    """Forks the shepherd off, as nobody's child; returns a pipe that says when it has taken over."""
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        return reader
    os.setsid()
    if os.fork():
        os._exit(0)
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        os.chdir("/")
        # The lock that the submitter holds came along; it must not be held for the job's life.
        os.closerange(3, writer)
        os.closerange(writer + 1, 4096)
        with spool.locked():
            job["shepherd"] = [os.getpid(), procfs.start_time(os.getpid()) or 0]
            spool.put(job)
        os.write(writer, b"1")
        os.close(writer)
        Shepherd(spool, job["id"]).run()
    finally:
        os._exit(0)


def find(spool: Spool, told: argparse.Namespace) -> str:
    """Jobs by tag; without tags, all that are tagged as ours."""
    with spool.locked():
        jobs = spool.settle()
    return _jobs(
        [job for job in jobs if (job["tag"] in told.tags if told.tags else job["tag"].startswith("sampan-"))]
    )


def status(spool: Spool, told: argparse.Namespace) -> str:
    """Jobs by number, each with how many wait before it."""
    with spool.locked():
        jobs = spool.settle()
    queued = [job["id"] for job in jobs if job["state"] == "queued"]
    asked = [dict(job) for job in jobs if job["id"] in set(told.ids)]
    for job in asked:
        job["ahead"] = queued.index(job["id"]) if job["id"] in queued else None
    return _jobs(asked, "ahead")


def cancel(spool: Spool, told: argparse.Namespace) -> str:
    """Asks a job to end, if it carries the tag. Its shepherd sees to it that nothing is left."""
    with spool.locked():
        job = next((job for job in spool.settle() if job["id"] == told.id), None)
        if job is not None and job["tag"] != told.tag:
            raise RefusedError(f"job {told.id} carries another tag")
        if job is not None and job["state"] != "ended":
            pid, started = job["shepherd"]
            if procfs.alive(pid, started):
                os.kill(pid, signal.SIGTERM)
    return json.dumps({"asked": job is not None})


def capacity(spool: Spool, told: argparse.Namespace) -> str:
    """What is declared and what is free of it, and how many wait in each queue."""
    with spool.locked():
        jobs = spool.settle()
        limits, free = spool.limits, spool.free(jobs)
    pending: dict[str, int] = {}
    for job in jobs:
        if job["state"] == "queued":
            pending[job["queue"]] = pending.get(job["queue"], 0) + 1
    return json.dumps({"node": os.uname().nodename, "declared": limits, "free": free, "pending": pending})


def usage(spool: Spool, told: argparse.Namespace) -> str:
    """Jobs by number that have ended, with what they held."""
    with spool.locked():
        jobs = spool.settle()
    return _jobs([job for job in jobs if job["id"] in set(told.ids) and job["state"] == "ended"])


def _jobs(jobs: list[Job], *also: str) -> str:
    names = [*_PUBLIC, *also]
    return json.dumps({"now": time.time(), "jobs": [{name: job.get(name) for name in names} for job in jobs]})


VERBS: Final[dict[str, Callable[[Spool, argparse.Namespace], str]]] = {
    "submit": submit,
    "find": find,
    "status": status,
    "cancel": cancel,
    "capacity": capacity,
    "usage": usage,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sampan-processes", description=__doc__)
    parser.add_argument("--spool", type=Path, required=True)
    parser.add_argument("--cores", dest="declared_cores", type=int)
    parser.add_argument("--memory-mib", dest="declared_memory", type=int)
    parser.add_argument(
        "--accelerator", dest="declared_accelerators", action="append", default=[], metavar="TYPE=N"
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    new = verbs.add_parser("submit")
    for name in ("--tag", "--queue", "--log"):
        new.add_argument(name, required=True)
    for name in ("--cores", "--memory-mib", "--minutes"):
        new.add_argument(name, type=int, required=True)
    new.add_argument("--accelerator", default=None)
    new.add_argument("--accelerators", type=int, default=0)
    verbs.add_parser("find").add_argument("tags", nargs="*")
    for name in ("status", "usage"):
        verbs.add_parser(name).add_argument("ids", nargs="*")
    end = verbs.add_parser("cancel")
    end.add_argument("--tag", required=True)
    end.add_argument("id")
    verbs.add_parser("capacity")
    return parser


def _declared(told: argparse.Namespace) -> dict[str, Any] | None:
    if told.declared_cores is None:
        return None
    pairs = (text.partition("=") for text in told.declared_accelerators)
    cards = {kind: int(count) for kind, _, count in pairs}
    return {"cores": told.declared_cores, "memory_mib": told.declared_memory, "accelerators": cards}


def main(argv: list[str] | None = None) -> int:
    told = _parser().parse_args(argv)
    spool = Spool(told.spool)
    try:
        spool.make(_declared(told))
        print(VERBS[told.verb](spool, told))
    except (RefusedError, LookupError) as error:
        print(error, file=sys.stderr)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
