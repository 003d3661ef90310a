"""The process scheduler: a batch system of one machine, without a daemon. `python -m sampan_kernels.processes`

Jobs are detached processes within declared cores and memory, first come, first served; they outlive whoever submitted
them. Cores are admitted, not enforced; memory is watched. A job is started once at most, never again by itself. Each has
a small process of its own that looks after it (a shepherd); whoever runs a verb ends what a killed shepherd left.
Standard library only. Answers are JSON on standard output (a job's number alone for `submit`); a refusal is one line on
standard error and exit status 3, anything else that goes wrong exit status 1.

Run as a systemd unit's child (`sampan up`, say), jobs live only as long as the unit unless it says KillMode=process.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from sampan_kernels.job_folder import JobFolder, number_of
from sampan_kernels.shepherd import GRACE, Shepherd
from sampan_kernels.spool import Spool, leftovers

__all__ = ["main"]

REFUSED: Final = 3
NO_ANSWER: Final = 1
LONGEST_SCRIPT: Final = 1 << 20
LONGEST_MINUTES: Final = 60 * 24 * 366
_TAG: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class RefusedError(Exception):
    """What was asked for cannot be; the text is for the one who asked."""


def submit(spool: Spool, told: argparse.Namespace) -> str:
    """Writes the job of standard input down, and starts its shepherd; the answer is the job's number."""
    script = sys.stdin.buffer.read(LONGEST_SCRIPT + 1)
    asked = _asked(told, spool.limits)
    if not 0 < len(script) <= LONGEST_SCRIPT:  # none at all: whoever submits was killed before it was told
        raise RefusedError(f"the script must have 1 to {LONGEST_SCRIPT} bytes")
    spool.forget()
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        log = os.open(told.log, flags, 0o600)
    except OSError as error:
        raise RefusedError(f"the log {told.log} cannot be written: {error.strerror}") from error
    try:
        draft = spool.draft(asked, script)
    except OSError as error:
        raise RefusedError(f"the job cannot be written down: {error.strerror}") from error
    word, _, rest = _detach(spool, draft, log, told.grace).partition(" ")
    if word != "accepted":
        raise OSError(rest or "the job's shepherd was killed before it could take the job")
    return rest


def _asked(told: argparse.Namespace, limits: dict[str, Any]) -> dict[str, Any]:
    """What is asked for, as the record that is written down; refused where it can never be given."""
    if not _TAG.fullmatch(told.tag) or not _WORD.fullmatch(told.queue):
        raise RefusedError("tag and queue must be short names")
    for name in ("cores", "memory_mib"):
        if not 1 <= getattr(told, name) <= limits[name]:
            raise RefusedError(
                f"{name} must be from 1 to {limits[name]}; {getattr(told, name)} was asked for"
            )
    if not 0 < told.minutes <= LONGEST_MINUTES:
        raise RefusedError(f"minutes must be more than 0 and at most {LONGEST_MINUTES}")
    if told.accelerator:
        have = limits.get("accelerators", {}).get(told.accelerator, 0)
        if not 1 <= told.accelerators <= have:
            raise RefusedError(f"there are {have} of {told.accelerator}; {told.accelerators} was asked for")
    return {
        **{name: getattr(told, name) for name in ("tag", "queue", "cores", "memory_mib", "minutes")},
        "accelerator": told.accelerator or None,
        "accelerators": told.accelerators if told.accelerator else 0,
        "submitted_at": time.time(),
    }


def _detach(spool: Spool, draft: JobFolder, log: int, grace: float) -> str:
    """Forks the shepherd off, as nobody's child, and returns what it says of the draft.

    It is the shepherd that makes the job exist, when it already guards it: whoever is killed at whatever moment, there
    is no job without a shepherd, and no shepherd of a job that nobody can find.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        os.waitpid(child, 0)
        with os.fdopen(reader, "rb") as pipe:
            return pipe.read().decode("utf-8", "replace")
    try:
        os.setsid()
        if os.fork() == 0:
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            os.chdir("/")
            _shepherd(spool, draft, log, writer, grace)
    finally:
        os._exit(0)


def _shepherd(spool: Spool, draft: JobFolder, log: int, writer: int, grace: float) -> None:
    try:
        draft.guard()
        job = spool.accept(draft)
        shepherd = Shepherd(spool, job, log, grace)
    except OSError as error:
        os.write(writer, f"failed {error.strerror}".encode())
        return
    # Whoever asked may be gone; the job is there all the same, and found by its tag.
    with suppress(BrokenPipeError):
        os.write(writer, f"accepted {job.number}".encode())
    os.close(writer)
    shepherd.run()


def find(spool: Spool, told: argparse.Namespace) -> str:
    """Jobs by tag; without tags, all that are tagged as ours."""
    spool.settle()
    wanted = set(told.tags)
    return _jobs(spool, lambda _, tag: tag in wanted if wanted else tag.startswith("sampan-"))


def status(spool: Spool, told: argparse.Namespace) -> str:
    """Jobs by number, each with how many wait before it."""
    spool.settle()
    wanted = {number_of(number) for number in told.ids}
    return _jobs(spool, lambda number, _: number in wanted)


def cancel(spool: Spool, told: argparse.Namespace) -> str:
    """Asks a job to end, if it carries the tag. Its shepherd sees to it that nothing is left."""
    spool.settle()
    number = number_of(told.id)
    for job in spool.chosen(lambda other, _: other == number):
        if job.tag != told.tag:
            raise RefusedError(f"job {number} carries another tag")
        if _standing(spool, job)["state"] != "ended":
            try:
                job.cancel()
            except PermissionError:
                raise RefusedError(f"job {number} belongs to {job.account}") from None
            except FileNotFoundError:
                continue
        return json.dumps({"asked": True})
    return json.dumps({"asked": False})


def script(spool: Spool, told: argparse.Namespace) -> str:
    """What a job of one's own that carries the tag was made of; null where there is no such job."""
    asked = number_of(told.id), told.tag
    try:
        found = [job.script(LONGEST_SCRIPT) for job in spool.chosen(lambda *one: one == asked)]
    except PermissionError:
        raise RefusedError(f"job {told.id} belongs to somebody else") from None
    return json.dumps({"script": found[0] if found else None})


def capacity(spool: Spool, told: argparse.Namespace) -> str:
    """What is declared and what is free of it, and how many wait in each queue."""
    spool.settle()
    live = spool.live()
    limits, left = spool.limits, spool.free(live)
    free: dict[str, Any] = {name: max(0, left[name]) for name in ("cores", "memory_mib")}
    free["accelerators"] = {kind: max(0, count) for kind, count in left["accelerators"].items()}
    pending: dict[str, int] = {}
    for job in spool.waiting(live):
        pending[job.asked["queue"]] = pending.get(job.asked["queue"], 0) + 1
    node = os.uname().nodename
    return json.dumps(
        {"now": time.time(), "node": node, "declared": limits, "free": free, "pending": pending}
    )


def usage(spool: Spool, told: argparse.Namespace) -> str:
    """Jobs by number that have ended, with what they held."""
    answer = json.loads(status(spool, told))
    answer["jobs"] = [job for job in answer["jobs"] if job["state"] == "ended"]
    return json.dumps(answer)


def _jobs(spool: Spool, choose: Callable[[int, str], bool]) -> str:
    chosen = spool.chosen(choose)
    queue: list[int] = []
    answers = []
    for job in chosen:
        answer = _standing(spool, job)
        if answer["state"] == "queued":
            queue = queue or [other.number for other in spool.waiting(spool.live())]
            answer["ahead"] = sum(number < job.number for number in queue)
        answers.append(answer)
    return json.dumps({"now": time.time(), "jobs": answers})


def _standing(spool: Spool, job: JobFolder) -> dict[str, Any]:
    """What is said of a job; read again where it has ended, and moved, under our eyes."""
    started = job.started
    state = "ended"
    if job.path.parent == spool.jobs:
        if started is None:
            state = "queued" if job.guarded else "ended"
        elif job.guarded or leftovers(job):
            state = "running"
        if not os.path.lexists(job.path):
            return _standing(spool, job.at(spool.over / job.path.name))
    how = (job.ended or {"reason": "node"}) if state == "ended" else {}
    names = ("tag", "queue", "cores", "memory_mib", "accelerator", "accelerators", "minutes", "submitted_at")
    return {
        "id": str(job.number),
        "account": job.account,
        **{name: job.asked.get(name) for name in names},
        "state": state,
        "node": (started or {}).get("node"),
        "started_at": (started or {}).get("at"),
        "ended_at": how.get("at"),
        "reason": how.get("reason"),
        "exit_code": how.get("exit_code"),
        "peak_memory_mib": how.get("peak_memory_mib"),
        "ahead": None,
    }


VERBS: Final[dict[str, Callable[[Spool, argparse.Namespace], str]]] = {
    "submit": submit,
    "find": find,
    "status": status,
    "cancel": cancel,
    "script": script,
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
    for name in ("--cores", "--memory-mib"):
        new.add_argument(name, type=int, required=True)
    new.add_argument("--minutes", type=float, required=True)
    new.add_argument("--accelerator", default=None)
    new.add_argument("--accelerators", type=int, default=0)
    new.add_argument("--grace", type=float, default=GRACE, help="seconds between SIGTERM and SIGKILL")
    verbs.add_parser("find").add_argument("tags", nargs="*")
    for name in ("status", "usage"):
        verbs.add_parser(name).add_argument("ids", nargs="*")
    for name in ("cancel", "script"):
        one = verbs.add_parser(name)
        one.add_argument("--tag", required=True)
        one.add_argument("id")
    verbs.add_parser("capacity")
    return parser


def _declared(told: argparse.Namespace) -> dict[str, Any] | None:
    if told.declared_cores is None or told.declared_memory is None:
        return None
    pairs = (text.partition("=") for text in told.declared_accelerators)
    cards = {kind: int(count) for kind, _, count in pairs}
    return {"cores": told.declared_cores, "memory_mib": told.declared_memory, "accelerators": cards}


def main(argv: list[str] | None = None) -> int:
    """Exit status 0 with an answer, 3 for a refusal, 1 where there is no answer, 2 for a wrong command line."""
    told = _parser().parse_args(argv)
    os.umask(0o022)
    spool = Spool(told.spool)
    try:
        spool.make(_declared(told))
        print(VERBS[told.verb](spool, told), flush=True)
    except (RefusedError, LookupError) as error:
        print(error, file=sys.stderr)
        return REFUSED
    except OSError as error:
        print(error, file=sys.stderr)
        return NO_ANSWER
    return 0


if __name__ == "__main__":
    sys.exit(main())
