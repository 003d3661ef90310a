"""The dialect of the process scheduler (`sampan_kernels.processes`, which runs at the centre): JSON, read strictly."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, TypeVar

from sampan.errors import Refused, Unavailable
from sampan.messages import Message
from sampan_hub.asks import Ask, Completed
from sampan_hub.capacity import NodeReading, Reading
from sampan_hub.descriptor import Descriptor
from sampan_hub.jobs import FoundJob, Jobs, JobSpec, JobState, JobStatus, Usage
from sampan_hub.limits import Limit
from sampan_hub.rules import NO_RULES, Rules

__all__ = ["ProcessScheduler"]

T = TypeVar("T")
_END_OF_TIME: Final = 1e11
_REFUSED: Final = 3
_STATES: Final[Mapping[str, JobState]] = {
    "queued": JobState.QUEUED,
    "running": JobState.RUNNING,
    "ended": JobState.ENDED,
}
_REASONS: Final[Mapping[str, str]] = {
    "finished": "ended.finished",
    "failed": "ended.failed",
    "memory": "ended.memory",
    "time": "ended.time",
    "cancelled": "ended.cancelled",
    "node": "ended.node",
}
"""Why a job ended, in the scheduler's word and in ours."""


class ProcessScheduler:
    """Argument lists for one spool. `queues`: the shares over its one node; `declared`: what it has, told at each call."""

    arrays = False
    settles = 0.0

    def __init__(self, python: str, spool: str, declared: tuple[str, ...], queues: tuple[str, ...]) -> None:
        self._queues = queues
        # -I: neither the folder we run in nor a variable decides which code this is.
        self._program = (python, "-I", "-m", "sampan_kernels.processes", "--spool", spool)
        self._declared = declared

    @classmethod
    def of(cls, descriptor: Descriptor) -> ProcessScheduler:
        facts = descriptor.scheduler
        declared = [f"--cores={facts.cores}", f"--memory-mib={round((facts.memory_gib or 0) * 1024)}"]
        declared += [f"--accelerator={kind}={count}" for kind, count in sorted(facts.accelerators.items())]
        queues = tuple(share.queue for share in descriptor.shares)
        return cls(descriptor.environment.python, facts.spool or "", tuple(declared), queues)

    def submit(self, job: JobSpec) -> Ask[str]:
        words = [
            *(
                f"--tag={job.tag}",
                f"--queue={job.queue}",
                f"--cores={job.cores}",
                f"--memory-mib={job.memory_mib}",
            ),
            *(f"--minutes={job.minutes}", f"--log={job.log}"),
        ]
        if job.accelerator:
            words += [f"--accelerator={job.accelerator}", f"--accelerators={job.accelerators}"]
        argv = (*self._program, *self._declared, "submit", *words)
        return Ask("submit", argv, _number, job.script.encode())

    def find(self, tags: Collection[str]) -> Ask[Sequence[FoundJob]]:
        return self._ask("find", lambda value: _found(value, over=False), *sorted(tags))

    def recall(self, tags: Collection[str]) -> Ask[Sequence[FoundJob]]:
        return self._ask("find", lambda value: _found(value, over=True), *sorted(tags))

    def status(self, ids: Collection[str]) -> Ask[Jobs]:
        return self._ask("status", lambda value: Jobs(_statuses(value)), *sorted(ids))

    def ended(self, ids: Collection[str]) -> Ask[Mapping[str, JobStatus]]:
        """The same records: what `status` does not know any more, nobody does."""
        return self._ask("status", _statuses, *sorted(ids))

    def cancel(self, job: str, tag: str) -> Ask[None]:
        return self._ask("cancel", lambda _: None, f"--tag={tag}", job)

    def script(self, job: str, tag: str) -> Ask[str | None]:
        return self._ask("script", _script, f"--tag={tag}", job)

    def capacity(self) -> Ask[Reading]:
        argv = (*self._program, *self._declared, "capacity")
        return Ask("capacity", argv, lambda done: _reading(_json(done), self._queues))

    def usage(self, ids: Collection[str]) -> Ask[Mapping[str, Usage]]:
        return self._ask("usage", _usages, *sorted(ids))

    def rules(self) -> Ask[Rules]:
        """It has none."""
        return Ask("rules", self.capacity().argv, _unruled)

    def limits(self, account: str, rules: Rules) -> Ask[tuple[Limit, ...]]:
        """Nothing but the machine limits anybody; a centre that does not answer has not said so."""
        return Ask("limits", self.capacity().argv, _nothing)

    def expected_start(self, job: JobSpec) -> Ask[float | None]:
        """It plans nothing ahead."""
        return Ask("expected_start", self.capacity().argv, _nowhen)

    def _ask(self, verb: str, read: Callable[[dict[str, Any]], T], *words: str) -> Ask[T]:
        return Ask(verb, (*self._program, verb, *words), lambda done: read(_json(done)))


def _answered(done: Completed) -> str:
    if done.status == _REFUSED:
        raise Refused("scheduler.refused", why=done.stderr.strip()[-300:])
    if done.status != 0 or not done.stdout.strip():
        raise Unavailable("scheduler.no_answer", cause=f"exit {done.status}: {done.stderr.strip()[-300:]}")
    return done.stdout


def _json(done: Completed) -> dict[str, Any]:
    try:
        value = json.loads(_answered(done))
    except (ValueError, RecursionError) as error:
        raise Unavailable("scheduler.no_answer", cause=str(error)) from error
    if not isinstance(value, dict):
        raise Unavailable("scheduler.no_answer", cause="no object")
    return value


def _number(done: Completed) -> str:
    number = _answered(done).strip()
    if not (number.isascii() and number.isdigit()):
        raise Unavailable("scheduler.no_answer", cause=f"no job number: {number[:60]!r}")
    return number


def _jobs(value: dict[str, Any]) -> list[dict[str, Any]]:
    jobs = value.get("jobs")
    if not isinstance(jobs, list) or not all(
        isinstance(job, dict) and str(job.get("id", "")).isdigit() for job in jobs
    ):
        raise Unavailable("scheduler.no_answer", cause="no list of jobs")
    return jobs


def _found(value: dict[str, Any], *, over: bool) -> Sequence[FoundJob]:
    """`over`: a job that has ended counts, too."""
    return [
        FoundJob(
            str(job["id"]),
            str(job.get("tag")),
            str(job.get("account")),
            _time(job, "submitted_at"),
            began=job.get("state") != "queued",
        )
        for job in _jobs(value)
        if over or job.get("state") != "ended"
    ]


def _statuses(value: dict[str, Any]) -> Mapping[str, JobStatus]:
    return {str(job["id"]): _status(job) for job in _jobs(value)}


def _status(job: dict[str, Any]) -> JobStatus:
    raw = str(job.get("state"))
    state = _STATES.get(raw, JobState.UNKNOWN)
    return JobStatus(
        str(job["id"]),
        state,
        raw,
        nodes=(str(job["node"]),) if state is JobState.RUNNING and job.get("node") else (),
        submitted_at=_time(job, "submitted_at"),
        started_at=_time(job, "started_at"),
        ended_at=_time(job, "ended_at"),
        ahead=_whole(job, "ahead"),
        exit_code=_whole(job, "exit_code"),
        why=_why(job) if state is JobState.ENDED else None,
    )


def _why(job: dict[str, Any]) -> Message:
    code = _REASONS.get(str(job.get("reason")), "ended.failed")
    return Message(code, {"code": _whole(job, "exit_code") or 0} if code == "ended.failed" else {})


def _script(value: dict[str, Any]) -> str | None:
    text = value.get("script", ...)
    if text is not None and not isinstance(text, str):
        raise Unavailable("scheduler.no_answer", cause="no script")
    return text


def _reading(value: dict[str, Any], queues: tuple[str, ...]) -> Reading:
    declared, free = _table(value, "declared"), _table(value, "free")
    cores, memory = _count(declared, "cores"), _count(declared, "memory_mib")
    cards, free_cards = _table(declared, "accelerators"), _table(free, "accelerators")
    node = NodeReading(
        str(value.get("node")),
        cores,
        min(cores, _count(free, "cores")),
        memory,
        min(memory, _count(free, "memory_mib")),
        queues,
        {kind: (_count(cards, kind), min(_count(cards, kind), _count(free_cards, kind))) for kind in cards},
    )
    pending = _table(value, "pending")
    return Reading((node,), {queue: _count(pending, queue) for queue in pending})


def _usages(value: dict[str, Any]) -> Mapping[str, Usage]:
    usages = {}
    for job in _jobs(value):
        began, ended = _time(job, "started_at"), _time(job, "ended_at")
        held = max(0.0, ended - began) if began is not None and ended is not None else 0.0
        usages[str(job["id"])] = Usage(
            str(job["id"]),
            core_seconds=round(held * (_whole(job, "cores") or 0)),
            accelerator_seconds=round(held * (_whole(job, "accelerators") or 0)),
            peak_memory_mib=_whole(job, "peak_memory_mib"),
            started_at=began,
            ended_at=ended,
        )
    return usages


def _unruled(done: Completed) -> Rules:
    _json(done)
    return NO_RULES


def _nothing(done: Completed) -> tuple[Limit, ...]:
    _json(done)
    return ()


def _nowhen(done: Completed) -> float | None:
    _json(done)
    return None


def _time(job: dict[str, Any], name: str) -> float | None:
    """Seconds since the epoch; None where none are told, or what is told is no time (negative, huge, NaN)."""
    value = job.get(name)
    told = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _END_OF_TIME
    return float(value) if told and value is not None else None


def _whole(job: dict[str, Any], name: str) -> int | None:
    value = job.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _table(values: dict[str, Any], name: str) -> dict[str, Any]:
    found = values.get(name)
    if not isinstance(found, dict):
        raise Unavailable("scheduler.no_answer", cause=f"{name}: {str(found)[:60]!r}")
    return found


def _count(values: dict[str, Any], name: str) -> int:
    """A count that is believed: a whole number, not negative, not absurd."""
    value = _whole(values, name)
    if value is None or not 0 <= value <= 1 << 40:
        raise Unavailable("scheduler.no_answer", cause=f"{name}: {values.get(name)!r}")
    return value
