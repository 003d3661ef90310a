"""What our Dask clusters have in common, whatever batch system starts their workers. Imports Dask: import it late."""

from __future__ import annotations

from typing import Any

import dask
from dask_jobqueue.core import JobQueueCluster

from sampan.seal import SCHEDULER_CONFIG, SCHEDULER_OPTIONS, Seal

__all__ = ["SealedCluster"]


class SealedCluster(JobQueueCluster):
    """A cluster behind TLS, without a web page, that takes its jobs and its keys with it when it closes.

    dask-jobqueue closes it at the end of the process too, if nobody did. When the process is killed, its workers lose
    their scheduler and end by themselves; those still queued end 60 s after their start.
    """

    def __init__(self, *, seal: Seal, host: str | None, name: str, **job: Any) -> None:
        """`host`: where the scheduler listens, None for the address that leads out. `job`: for dask-jobqueue's Job."""
        self.seal = seal
        options = {**SCHEDULER_OPTIONS, **({"host": host} if host else {})}
        # The scheduler's scratch would else lie in /tmp, beside everybody's.
        with dask.config.set({**SCHEDULER_CONFIG, "temporary-directory": str(seal.directory)}):
            super().__init__(name=name, security=seal.security(), scheduler_options=options, **job)

    @property
    def dashboard_link(self) -> str:
        """Nothing: there are no pages, and a link to none would look like a fault."""
        return ""

    def submit(self, jobs: int) -> None:
        """Submits until there are `jobs` jobs, and raises what the batch system said if it refused.

        `scale` does the same on the side and only logs the refusal.
        """
        self.sync(self._submit, jobs)  # type: ignore[no-untyped-call]

    async def _submit(self, jobs: int) -> None:
        while len(self.worker_spec) < jobs:
            self.worker_spec.update(self.new_worker_spec())  # type: ignore[no-untyped-call]
        await self._correct_state()  # type: ignore[no-untyped-call]

    async def _close(self) -> None:
        try:
            await super()._close()  # type: ignore[no-untyped-call]
        finally:
            self.seal.remove()
