"""Dask workers as Slurm jobs: dask-jobqueue's own class, sealed. Imports Dask: import it late."""

from __future__ import annotations

import logging

from dask_jobqueue.slurm import SLURMCluster, SLURMJob
from distributed.deploy.spec import ProcessInterface

from sampan.errors import Refused, Unavailable
from sampan.job_cluster import SealedCluster

__all__ = ["SlurmCluster", "SlurmJob"]

logger = logging.getLogger(__name__)


class SlurmJob(SLURMJob):
    """One worker as one batch job; what `sbatch` says when it refuses becomes a sentence."""

    async def _submit_job(self, script_filename: str) -> str:
        try:
            return str(await super()._submit_job(script_filename))  # type: ignore[no-untyped-call]
        except OSError as error:
            raise Unavailable("cluster.no_answer", str(error)) from error
        except RuntimeError as error:
            # Its message repeats the command; the last line is the scheduler's own.
            why = str(error).strip().rpartition("\n")[2][-500:]
            raise Refused("cluster.refused", str(error), why=why) from error

    async def close(self) -> None:
        """Asks for the job's end. Where nobody answers, the worker ends by itself when its scheduler is gone."""
        try:
            await super().close()  # type: ignore[no-untyped-call]
        except OSError as error:
            logger.warning("job %s could not be cancelled: %s", self.job_id, error)
        finally:
            # dask-jobqueue leaves this out, and its cluster then trips over a job that never started.
            await ProcessInterface.close(self)  # type: ignore[no-untyped-call]


class SlurmCluster(SealedCluster, SLURMCluster):
    job_cls = SlurmJob
