"""What to say to a batch system and how to read its answers: argument lists out, text in, no I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from sampan_hub.asks import Ask
from sampan_hub.capacity import Reading
from sampan_hub.jobs import FoundJob, JobSpec, JobStatus, Usage

__all__ = ["Scheduler"]


class Scheduler(Protocol):
    """A dialect. Implementations: `process` (detached processes within declared limits), `slurm`."""

    def submit(self, job: JobSpec) -> Ask[str]:
        """Submits; the answer is the job id. `Refused` with the scheduler's words where it says no."""

    def find(self, tags: Collection[str]) -> Ask[Sequence[FoundJob]]:
        """Every job, queued or running or recently ended, that carries one of these tags; empty `tags`: every job of ours."""

    def status(self, ids: Collection[str]) -> Ask[Mapping[str, JobStatus]]:
        """The last known state of each job; a job the scheduler has forgotten is absent. One command for all ids."""

    def cancel(self, job: str, tag: str) -> Ask[None]:
        """Asks for the end of this job, if it still carries this tag; a job that is gone already is no error."""

    def capacity(self) -> Ask[Reading]:
        """Nodes with what is free on each, and what waits, per queue. One command."""

    def usage(self, ids: Collection[str]) -> Ask[Mapping[str, Usage]]:
        """What ended jobs spent."""
