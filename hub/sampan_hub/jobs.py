"""Jobs as values: what is submitted to a scheduler, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sampan.messages import Message

__all__ = ["FoundJob", "JobSpec", "JobState", "JobStatus", "Jobs", "Usage"]


class JobState(StrEnum):
    """What a scheduler's own state means to us; every dialect maps its states here by a table."""

    QUEUED = "queued"
    RUNNING = "running"
    SUSPENDED = "suspended"
    ENDED = "ended"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One job, in typed values; a dialect turns it into an argument list, the script goes on stdin.

    `tag` matches ``sampan-[a-z0-9]+-[a-z0-9]+-[0-9]+`` (hub, launch, attempt): the job's name at the scheduler. `memory_mib` is for
    the job as a whole, `minutes` its time limit. `queue` is the scheduler's own name of the share. `directives` are what the
    queue demands, as (option, value) pairs that the descriptor declared. `log` is where the job's output goes. `array`: one
    submission is as many jobs, one a number, for a scheduler that has `arrays`; `log` then ends in ``-%a.log``.
    """

    tag: str
    queue: str
    cores: int
    memory_mib: int
    minutes: int
    script: str
    log: str
    accelerator: str | None = None
    accelerators: int = 0
    directives: tuple[tuple[str, str], ...] = ()
    array: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What the scheduler says of one job. Times are seconds since the epoch, by the centre's clock."""

    id: str
    state: JobState
    raw: str
    nodes: tuple[str, ...] = ()
    submitted_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    expected_start: float | None = None
    """By the scheduler's own plan, of a job that waits; a hint."""
    ahead: int | None = None
    exit_code: int | None = None
    why: Message | None = None
    """Why it ended or why it waits; set whenever `state` is ended."""
    never: bool = False
    """It waits for what does not come by itself: it will not start there."""
    whole: bool = True
    """False for an end of which `Scheduler.ended` can tell more: by whom, with which code."""


@dataclass(frozen=True, slots=True)
class Jobs:
    """One answer to the question about jobs: those that were asked about, by id, and how many wait in each queue.

    `pending` is None where the scheduler tells what waits together with its capacity.
    """

    statuses: Mapping[str, JobStatus]
    pending: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class FoundJob:
    """A job found by its tag: enough to decide whether it is ours before anything destructive."""

    id: str
    tag: str
    account: str
    submitted_at: float | None = None
    began: bool = False
    """Whether it has left the queue, as far as the scheduler can tell."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a job did spend, from the scheduler's own accounting."""

    id: str
    core_seconds: int
    accelerator_seconds: int = 0
    peak_memory_mib: int | None = None
    started_at: float | None = None
    ended_at: float | None = None
