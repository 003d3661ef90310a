"""What to say to a batch system and how to read its answers: argument lists out, text in, no I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from sampan_hub.asks import Ask
from sampan_hub.capacity import Reading
from sampan_hub.jobs import FoundJob, Jobs, JobSpec, JobStatus, Usage
from sampan_hub.limits import Limit
from sampan_hub.rules import Rules

__all__ = ["Scheduler"]


class Scheduler(Protocol):
    """A dialect. Implementations: `process` (detached processes within declared limits), `slurm`.

    What is asked about jobs is asked as whoever sees them all, or as the person whose jobs they are: an answer tells of
    no job that its asker may not see. `submit`, `cancel`, `script`, `limits` and `expected_start` are asked as the person.
    """

    arrays: bool
    """Whether many like jobs are one submission; each is then called by the answer, an underscore and its number."""
    settles: float
    """Seconds after a submission at which it is worth to ask whether the job has started, where there is room."""

    def submit(self, job: JobSpec) -> Ask[str]:
        """Submits; the answer is the job id. `Refused` with the scheduler's words where it says no."""

    def find(self, tags: Collection[str]) -> Ask[Sequence[FoundJob]]:
        """Every job, queued or running, that carries one of these tags; empty `tags`: every job of ours."""

    def recall(self, tags: Collection[str]) -> Ask[Sequence[FoundJob]]:
        """Every job of these tags that was submitted lately, over or not, as far as the records know.

        Asked where `find` knows none, before a tag is submitted again.
        """

    def status(self, ids: Collection[str]) -> Ask[Jobs]:
        """The state of each job, and what waits; a job that is not told of any more is absent. One command for all ids."""

    def ended(self, ids: Collection[str]) -> Ask[Mapping[str, JobStatus]]:
        """What the records know of jobs that `status` does not tell of, or not wholly. Absent: nothing is known.

        A state other than ended contradicts what `status` said: then nobody knows.
        """

    def cancel(self, job: str, tag: str) -> Ask[None]:
        """Asks for the end of this job, if it still carries this tag; a job that is gone already is no error."""

    def script(self, job: str, tag: str) -> Ask[str | None]:
        """What this job was submitted with, asked for as its person; None where it is gone. It may be another tag's."""

    def capacity(self) -> Ask[Reading]:
        """Nodes with what is free on each, and what waits, per queue. One command."""

    def usage(self, ids: Collection[str]) -> Ask[Mapping[str, Usage]]:
        """What ended jobs spent."""

    def rules(self) -> Ask[Rules]:
        """What holds for everybody there for a while. One command, asked now and then."""

    def limits(self, account: str, rules: Rules) -> Ask[tuple[Limit, ...]]:
        """What this account may have under those rules, for each of its projects; empty where only the queues limit it."""

    def expected_start(self, job: JobSpec) -> Ask[float | None]:
        """When the scheduler thinks that this job would start, by its own clock; None where it does not say. A hint.

        `Refused` as by `submit`; nothing is submitted.
        """
