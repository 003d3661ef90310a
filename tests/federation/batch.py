"""What runs at a centre, as its own operators see it, and a stranger's jobs that take its room."""

from __future__ import annotations

import json
import re
from typing import Any, Final, Protocol

from tests.federation import user_environment
from tests.federation.accounts import STRANGER
from tests.federation.host import Failed, Host, wait_for
from tests.federation.shape import CORES, MEMORY_MIB, CentreShape

__all__ = ["SPOOL", "Batch", "ProcessBatch", "SlurmBatch"]

SPOOL: Final = "/var/spool/sampan"
_FORMAT: Final = "%i|%u|%T|%P|%C|%N|%j|%k"
_LINE: Final = re.compile(r"([0-9_,%\[\]-]+)\|([^|]+)\|([A-Z_]+)\|([^|]+)\|(\d+)\|([^|]*)\|(.*)")
_TAG: Final = re.compile(r"sampan-[a-z0-9.-]+")
_STATES: Final = {
    **dict.fromkeys(("PENDING", "REQUEUED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"), "queued"),
    **dict.fromkeys(("RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "STOPPED", "SIGNALING"), "running"),
    **dict.fromkeys(("STAGE_OUT", "RESIZING"), "running"),
}
"""https://slurm.schedmd.com/squeue.html, job state codes; whatever is not here has ended."""


class Batch(Protocol):
    """Implementations: `SlurmBatch`, `ProcessBatch`."""

    def prepare(self) -> None: ...

    def jobs(self) -> list[dict[str, Any]]: ...

    def nodes(self) -> dict[str, dict[str, Any]]: ...

    def fill(self, cores: int | None) -> str: ...

    def end(self, job: str | None) -> None: ...

    def end_all(self) -> None: ...


class SlurmBatch:
    def __init__(self, centre: CentreShape, login: Host) -> None:
        self._centre = centre
        self._login = login

    def prepare(self) -> None:
        """Nothing: its daemons are started by Slurm itself."""

    def jobs(self) -> list[dict[str, Any]]:
        said = self._login.run(["squeue", "-h", "-a", "-t", "all", "-o", _FORMAT]).stdout
        # A job may be named in any way, over several lines too: only what begins like a job is one.
        return [_job(*found.groups()) for found in map(_LINE.fullmatch, said.split("\n")) if found]

    def nodes(self) -> dict[str, dict[str, Any]]:
        said = self._login.run(["sinfo", "-h", "-N", "-o", "%N|%T|%C"]).stdout
        rows = (line.split("|") for line in said.splitlines())
        return {
            name: {"state": state, "cores": int(total), "allocated": int(allocated), "idle": int(idle)}
            for name, state, counts in rows
            for allocated, idle, _, total in (counts.split("/"),)
        }

    def fill(self, cores: int | None) -> str:
        wanted = cores or sum(node["idle"] for node in self.nodes().values())
        if not wanted:
            raise Failed(f"{self._centre.name} is full already")
        queue = self._centre.queues[0]
        argv = ["sbatch", "--parsable", f"--partition={queue.name}", f"--ntasks={wanted}", "--mem-per-cpu=16"]
        argv += [f"--{option}={value}" for option, value in queue.demands]
        argv += ["--job-name=stranger", "--output=/dev/null", "--time=120", "--wrap=exec sleep 7200"]
        job = self._login.run(argv, account=STRANGER).stdout.strip()
        wait_for(f"the stranger's job at {self._centre.name}", lambda: self._state(job) == "running")
        return job

    def _state(self, job: str) -> str:
        return next((each["state"] for each in self.jobs() if each["id"] == job), "ended")

    def end(self, job: str | None) -> None:
        self._login.run(["scancel", *([job] if job else ["--user", STRANGER])])
        wait_for(
            f"the end of the stranger's jobs at {self._centre.name}",
            lambda: (
                not any(
                    each["state"] != "ended" and (each["id"] == job if job else each["account"] == STRANGER)
                    for each in self.jobs()
                )
            ),
        )

    def end_all(self) -> None:
        names = {each["account"] for each in self.jobs() if each["state"] != "ended"}
        for name in names:
            self._login.run(["scancel", "--user", name])
        gone = "the end of all jobs at"
        wait_for(f"{gone} {self._centre.name}", lambda: all(job["state"] == "ended" for job in self.jobs()))


def _job(
    number: str, account: str, state: str, queue: str, cores: str, nodes: str, words: str
) -> dict[str, Any]:
    """`words` are the person's own: name and comment."""
    tag = _TAG.search(words)
    return {
        "id": number,
        "account": account,
        "tag": tag.group() if tag else None,
        "words": words,
        "state": _STATES.get(state, "ended"),
        "raw": state,
        "queue": queue,
        "cores": int(cores),
        "nodes": _names(nodes),
    }


def _names(text: str) -> list[str]:
    """`east-n[1-2]` is two of them."""
    names = []
    for prefix, numbers in re.findall(r"([^\[\],]+)(?:\[([^\]]*)\])?", text):
        for part in numbers.split(",") if numbers else ("",):
            first, _, last = part.partition("-")
            span = range(int(first), int(last or first) + 1) if first else ("",)
            names += [f"{prefix}{number}" for number in span]
    return names


class ProcessBatch:
    """The process scheduler of sampan_kernels, run there by whoever submits."""

    def __init__(self, centre: CentreShape, login: Host) -> None:
        self._centre = centre
        self._login = login

    def prepare(self) -> None:
        """The spool belongs to the service account, which declares what there is."""
        service = self._centre.service_account
        self._login.run(["install", "-d", "-m", "755", "-o", service, "-g", service, SPOOL])
        self._ask("capacity", account=service)

    def _ask(self, *words: str, account: str | None = None, stdin: bytes = b"") -> str:
        argv = [str(user_environment.python()), "-I", "-m", "sampan_kernels.processes", "--spool", SPOOL]
        argv += [f"--cores={CORES}", f"--memory-mib={MEMORY_MIB}", *words]
        return self._login.run(argv, account=account, stdin=stdin).stdout

    def jobs(self) -> list[dict[str, Any]]:
        listing = self._login.run(["ls", f"{SPOOL}/jobs", f"{SPOOL}/ended"]).stdout.split()
        numbers = [str(int(number)) for name in listing if (number := name.partition(".")[0]).isdigit()]
        if not numbers:
            return []
        answer = json.loads(self._ask("status", *numbers))["jobs"]
        return [{**job, "raw": job["state"], "nodes": [job["node"]] if job["node"] else []} for job in answer]

    def nodes(self) -> dict[str, dict[str, Any]]:
        told = json.loads(self._ask("capacity"))
        total, idle = told["declared"]["cores"], told["free"]["cores"]
        return {told["node"]: {"state": "up", "cores": total, "allocated": total - idle, "idle": idle}}

    def fill(self, cores: int | None) -> str:
        wanted = cores or sum(node["idle"] for node in self.nodes().values())
        if not wanted:
            raise Failed(f"{self._centre.name} is full already")
        words = [f"--tag={STRANGER}", f"--queue={self._centre.queues[0].name}", "--log=/dev/null"]
        words += [f"--cores={wanted}", "--memory-mib=64", "--minutes=120"]
        script = b"#!/bin/sh\nexec sleep 7200\n"
        job = self._ask("submit", *words, account=STRANGER, stdin=script).strip()
        wait_for(f"the stranger's job at {self._centre.name}", lambda: self._state(job) == "running")
        return job

    def _state(self, job: str) -> str:
        return next((each["state"] for each in self.jobs() if each["id"] == job), "ended")

    def end(self, job: str | None) -> None:
        self._end(
            [each for each in self.jobs() if (each["id"] == job if job else each["account"] == STRANGER)]
        )

    def end_all(self) -> None:
        self._end(self.jobs())

    def _end(self, jobs: list[dict[str, Any]]) -> None:
        live = [each for each in jobs if each["state"] != "ended"]
        for each in live:
            self._ask("cancel", f"--tag={each['tag']}", each["id"])
        for each in live:
            gone = f"the end of job {each['id']} at {self._centre.name}"
            wait_for(gone, lambda number=each["id"]: self._state(number) == "ended")  # type: ignore[misc]
