"""Dask workers as jobs of the process scheduler, the embedded default's batch system. Imports Dask: import it late."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from dask_jobqueue.core import Job
from distributed.deploy.spec import ProcessInterface

from sampan.errors import Refused, SampanError, Unavailable
from sampan.job_cluster import SealedCluster

__all__ = ["ProcessCluster", "ProcessJob"]

logger = logging.getLogger(__name__)

DEADLINE: Final = 20.0
"""Seconds for one command of the process scheduler."""


class ProcessJob(Job):
    """One worker as one job, submitted and cancelled by argument list, the script on stdin.

    `program` is the process scheduler's command line up to its verb, `queue` its name of the share, `minutes` the job's
    longest life. The worker's name is the job's tag.
    """

    config_name = "local"  # dask-jobqueue's defaults for a batch system that has no section of its own

    def __init__(
        self,
        scheduler: str | None = None,
        name: str | None = None,
        *,
        program: tuple[str, ...],
        queue: str,
        minutes: int,
        **job: Any,
    ) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            scheduler=scheduler, name=name, shebang="#!/bin/bash", **job
        )
        self.job_header = ""
        self.program = program
        self.size = {"queue": queue, "cores": self.worker_cores, "minutes": minutes}

    async def _submit_job(self, script_filename: str) -> str:
        settings = {
            **self.size,
            "tag": self.name,
            "memory-mib": int(self.worker_memory or 0) // 2**20,
            "log": f"{self.log_directory}/{self.name}.log",
        }
        arguments = [text for name, value in settings.items() for text in (f"--{name}", str(value))]
        return await _say([*self.program, "submit", *arguments], self.job_script())  # type: ignore[no-untyped-call]

    def _job_id_from_submit_output(self, out: str) -> str:
        return out.strip()

    async def close(self) -> None:
        """Asks for the job's end. Where nobody answers, the worker ends by itself when its scheduler is gone."""
        try:
            if self.job_id:
                await _say([*self.program, "cancel", "--tag", str(self.name), self.job_id])
        except SampanError as error:
            logger.warning(
                "job %s could not be cancelled: %s", self.job_id, error.message.params.get("why", error.cause)
            )
        finally:
            await ProcessInterface.close(self)  # type: ignore[no-untyped-call]


class ProcessCluster(SealedCluster):
    job_cls = ProcessJob


async def _say(argv: list[str], text: str = "") -> str:
    """What the process scheduler answers. Raises Refused with its words, Unavailable where it does not answer."""
    pipe = asyncio.subprocess.PIPE
    try:
        program = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe, stderr=pipe)
    except OSError as error:
        raise Unavailable("cluster.no_answer", str(error)) from error
    try:
        async with asyncio.timeout(DEADLINE):
            out, err = await program.communicate(text.encode())
    except TimeoutError as error:
        raise Unavailable("cluster.no_answer", f"{argv[-1]} took over {DEADLINE} s") from error
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
    if program.returncode:
        why = err.decode("utf-8", "replace").strip()[-500:]
        raise Refused("cluster.refused", f"exit {program.returncode}", why=why)
    return out.decode("utf-8", "replace")
