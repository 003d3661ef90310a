"""Jobs at a real centre, submitted and watched as the broker does it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from sampan_hub.centre import Centre as Asked
from sampan_hub.jobs import JobSpec, JobState, JobStatus
from sampan_hub.watch import Watch
from tests.federation.centre import Centre

__all__ = ["Jobs"]


class Jobs:
    """Jobs of one person, submitted as the broker does, and what the watch knows of them."""

    def __init__(self, centre: Centre, asked: Asked, watch: Watch, user: str = "alice") -> None:
        self.centre, self.asked, self.watch = centre, asked, watch
        self.account = centre.account(user)
        self.tags: dict[str, str] = {}

    async def submit(self, name: str, script: str, **fields: object) -> str:
        tag = f"sampan-evid-{name}-1"
        spec = JobSpec(tag, "work", 1, 64, 5, f"#!/bin/bash\n{script}\n", f"/home/{self.account}/{tag}.log")
        spec = replace(spec, **fields)  # type: ignore[arg-type]
        job = await self.asked.ask(self.asked.scheduler.submit(spec), account=self.account)
        self.tags[job] = tag
        self.watch.follow(job, self.account, busy=True)
        return job

    async def until(self, condition: Callable[[], bool], seconds: float = 30.0) -> None:
        async with asyncio.timeout(seconds):
            while True:
                await self.watch.tick()
                if condition():
                    return
                await asyncio.sleep(0.2)

    def state(self, job: str) -> JobState | None:
        status = self.watch.statuses.get(job)
        return None if status is None else status.state

    async def are(self, state: JobState, *jobs: str) -> list[JobStatus]:
        await self.until(lambda: all(self.state(job) is state for job in jobs))
        return [self.watch.statuses[job] for job in jobs]
