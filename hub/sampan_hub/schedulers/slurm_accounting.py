"""What sacct says of jobs: how they ended, by whom, and what they took."""

from __future__ import annotations

import zoneinfo
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sampan.messages import Message
from sampan_hub.asks import Completed
from sampan_hub.jobs import FoundJob, JobState, JobStatus, Usage
from sampan_hub.schedulers.slurm_states import state_of
from sampan_hub.schedulers.slurm_text import (
    amounts,
    count,
    duration,
    moment,
    peak_mib,
    rows,
    tres_cards,
)

__all__ = ["argv", "recalled", "statuses", "usages"]

_FIELDS: Final = (
    *("JobIDRaw", "State", "ExitCode", "UID", "Submit", "Start", "End", "ElapsedRaw", "Suspended"),
    *("AllocTRES", "NodeList", "MaxRSS"),
)
"""https://slurm.schedmd.com/sacct.html#SECTION_Job-Accounting-Fields. No name: anybody may put anything into it."""
_ROOT: Final = "0"
"""Also the owner of a job that ended a moment ago, until its record is written down wholly; no job of ours is root's."""
_NO_RECORDS: Final = "Slurm accounting storage is disabled"
_NOBODY: Final = "2147483646"
"""A number that no job has: asked about none, sacct would tell of all."""
_KILLED: Final = 9
_NOT_LAUNCHED: Final = 53
"""The signal that stands for a job whose output file cannot be opened on its node, or whose folder is not there."""
_SIGNALLED: Final = 128


def argv(ids: Collection[str], since: str) -> tuple[str, ...]:
    """`since` keeps out what carried the same number years ago."""
    numbers = ",".join(sorted(ids, key=lambda job: (len(job), job))) or _NOBODY
    return (
        *("sacct", "--allusers", "--parsable2", since),
        *(f"--jobs={numbers}", f"--format={','.join(_FIELDS)}"),
    )


@dataclass(frozen=True, slots=True)
class _Record:
    """A job, with the most memory that a step of it took, in MiB, and whether a step ran out of it."""

    id: str
    raw: str
    code: int
    signal: int
    uid: str
    submitted_at: float | None
    started_at: float | None
    ended_at: float | None
    elapsed: int
    tres: str
    peak: float | None
    out_of_memory: bool

    @property
    def memory_mib(self) -> float | None:
        return peak_mib(amounts(self.tres).get("mem", ""))


def _table(done: Completed, *, free: bool = False) -> Iterable[list[str]]:
    """The rows. Where nobody keeps records, that is an answer, too: there are none."""
    if _NO_RECORDS in done.stderr:
        return []
    return rows(done, "JobIDRaw", free=free)


def recalled(done: Completed, tags: Collection[str], zone: zoneinfo.ZoneInfo) -> Sequence[FoundJob]:
    """Jobs by their names; those that have not ended come first, and the newest."""
    found = []
    for job, account, submitted, state, name in _table(done, free=True):
        if job.isdigit() and name in tags:
            over = state_of(state).state is JobState.ENDED
            found.append((over, -int(job), FoundJob(job, name, account, moment(submitted, zone))))
    return [job for *_, job in sorted(found, key=lambda row: row[:2])]


def statuses(done: Completed, zone: zoneinfo.ZoneInfo) -> Mapping[str, JobStatus]:
    return {record.id: _status(record) for record in _records(done, zone)}


def usages(done: Completed, zone: zoneinfo.ZoneInfo, kinds: Collection[str]) -> Mapping[str, Usage]:
    """What ended jobs held, to the second: the time that they held it, without that in which they were suspended."""
    found = {}
    for record in _records(done, zone):
        if state_of(record.raw).state is JobState.ENDED:
            cores = amounts(record.tres).get("cpu", "0")
            found[record.id] = Usage(
                record.id,
                core_seconds=record.elapsed * count(cores),
                accelerator_seconds=record.elapsed * sum(tres_cards(record.tres, kinds).values()),
                peak_memory_mib=None if record.peak is None else round(record.peak),
                started_at=record.started_at,
                ended_at=record.ended_at,
            )
    return found


def _records(done: Completed, zone: zoneinfo.ZoneInfo) -> Iterator[_Record]:
    jobs: dict[str, list[str]] = {}
    steps: dict[str, list[list[str]]] = {}
    for fields in _table(done):
        job, _, step = fields[0].partition(".")
        if step:
            steps.setdefault(job, []).append(fields)
        elif job.isdigit():
            # Told more than once, the last one is meant: it was put back into the queue.
            jobs[job] = fields
    for job, fields in jobs.items():
        yield _record(fields, steps.get(job, ()), zone)


def _record(fields: list[str], steps: Sequence[list[str]], zone: zoneinfo.ZoneInfo) -> _Record:
    job, state, exit_code, uid, submit, start, end, elapsed, suspended, tres, nodes, _ = fields
    code, signal = (count(part) for part in exit_code.split(":"))
    submitted = moment(submit, zone)
    # One that never started has the moment of its end as its start.
    started = moment(start, zone, after=submitted) if nodes not in ("", "None assigned") else None
    ended = moment(end, zone, after=started or submitted)
    if started is not None and ended is not None:
        # What was measured as a length is right also where clocks were set in between.
        ended = started + count(elapsed) + (duration(suspended) or 0)
    peaks = [peak for step in steps if (peak := peak_mib(step[-1])) is not None]
    return _Record(
        *(job, state, code, signal, uid, submitted, started, ended, count(elapsed), tres),
        peak=max(peaks, default=None),
        out_of_memory=any(step[1].startswith("OUT_OF_MEMORY") for step in steps),
    )


def _status(record: _Record) -> JobStatus:
    state = state_of(record.raw)
    over = state.state is JobState.ENDED
    why = _why(record, state.code) if over else None
    return JobStatus(
        record.id,
        state.state,
        record.raw,
        submitted_at=record.submitted_at,
        started_at=record.started_at,
        ended_at=record.ended_at if over else None,
        exit_code=(record.code or (_SIGNALLED + record.signal if record.signal else 0)) if over else None,
        why=why,
        # Who cancelled it is known, and that it was not root, but not yet whose job it was.
        whole=not (why is not None and why.code == "ended.cancelled" and " by " in record.raw),
    )


def _why(record: _Record, code: str | None) -> Message:
    word, _, rest = record.raw.partition(" ")
    if word == "CANCELLED" and rest.startswith("by "):
        who = rest.removeprefix("by ")
        if who == _ROOT:
            return Message("ended.cancelled_by_operator")
        if record.uid in ("", _ROOT):
            return Message("ended.cancelled")
        return Message("ended.cancelled_by_person" if who == record.uid else "ended.cancelled_by_operator")
    if word != "FAILED":
        return Message(code or "ended.finished")
    memory = record.memory_mib
    # Where use of memory is only sampled, whoever takes too much is killed, and nothing else is said.
    if record.out_of_memory or (
        record.signal == _KILLED and memory is not None and record.peak is not None and record.peak > memory
    ):
        return Message("ended.memory")
    if record.signal == _NOT_LAUNCHED:
        return Message("ended.not_launched")
    if record.signal:
        return Message("ended.signal", {"signal": record.signal})
    return Message("ended.failed", {"code": record.code})
