"""A Dask cluster whose workers are jobs that the broker writes, whatever batch system runs them. Imports Dask: import it late."""

from __future__ import annotations

import asyncio
import contextlib
import html
import re
from typing import Any, Final

import dask
from dask_jobqueue.core import Job, JobQueueCluster
from distributed import Client
from distributed.core import Status
from distributed.deploy.spec import ProcessInterface
from distributed.scheduler import Scheduler
from tornado.httputil import HTTPServerRequest
from tornado.web import ErrorHandler

from sampan.errors import SampanError
from sampan.foreman import Foreman
from sampan.pages import Pages
from sampan.seal import Seal

__all__ = ["CentreClient", "CentreCluster", "CentreJob"]

_REPLACED: Final = 0.5
"""Seconds after Dask has given a lost worker up until another is asked for."""
_DASHBOARD: Final = re.compile(r'<strong>Dashboard: ?</strong> ?<a href="[^"]*" target="_blank">[^<]*</a>')
_LOST: Final = "distributed.deploy.lost-worker-timeout"


class CentreJob(Job):
    """One worker as one job. Its number is the last part of its name; the job script is the broker's alone."""

    config_name = "local"  # dask-jobqueue's defaults for a batch system that has no section of its own

    def __init__(
        self, scheduler: str | None = None, name: str | None = None, *, foreman: Foreman, **job: Any
    ) -> None:
        super().__init__(scheduler=scheduler, name=name, shebang="#!/bin/bash", **job)  # type: ignore[no-untyped-call]
        self.job_header = ""
        self.foreman = foreman

    async def start(self) -> None:
        """Returns when the job is submitted, together with all others of this moment."""
        number = int(str(self.name).rpartition("-")[2])
        try:
            self.job_id = await self.foreman.hire(number, str(self.scheduler))
        except SampanError:
            self.status = Status.failed
            raise
        await ProcessInterface.start(self)  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        if self.job_id:
            await self.foreman.dismiss(self.job_id)
        # dask-jobqueue leaves this out, and its cluster then trips over a job that never started.
        await ProcessInterface.close(self)  # type: ignore[no-untyped-call]


class CentreScheduler(Scheduler):
    """Dask's scheduler, whose web server has no page but below `below`, and none where that is empty.

    Of itself it tells everybody all of its paths (/sitemap.json), and leads from / to where its pages are.
    """

    def __init__(self, *, below: str, **options: Any) -> None:
        self._below = below
        super().__init__(**options)

    def start_http_server(self, *told: Any, **more: Any) -> None:
        super().start_http_server(*told, **more)  # type: ignore[no-untyped-call]
        application, below = self.http_application, self._below
        find = application.find_handler

        def only(request: HTTPServerRequest, **kwargs: Any) -> Any:
            if below and str(request.path).startswith(below):
                return find(request, **kwargs)
            return application.get_handler_delegate(request, ErrorHandler, {"status_code": 404})

        application.find_handler = only  # type: ignore[method-assign]


class CentreCluster(JobQueueCluster):
    """A cluster behind TLS that takes its jobs and its keys with it when it closes.

    dask-jobqueue closes it at the end of the process too, if nobody did. When the process is killed, its workers lose
    their scheduler and end by themselves, and the broker ends those that still wait.
    """

    job_cls = CentreJob

    def __init__(
        self, *, seal: Seal, pages: Pages, foreman: Foreman, host: str | None, name: str, **job: Any
    ) -> None:
        """`host`: where the scheduler listens, None for the address that leads out. `job`: for dask-jobqueue's Job."""
        self.seal, self.pages, self.foreman = seal, pages, foreman
        self._listening: asyncio.Task[None] | None = None
        self._told: dict[str, Any] = {}
        options = {**pages.options, **({"host": host} if host else {})}
        # The scheduler's scratch would else lie in /tmp, beside everybody's.
        with dask.config.set({**pages.config, "temporary-directory": str(seal.directory)}):
            super().__init__(
                name=name,
                security=seal.security(),
                scheduler_cls=CentreScheduler,
                scheduler_options=options,
                foreman=foreman,
                **job,
            )

    @property
    def dashboard_link(self) -> str:
        """Dask's pages, through the session's own login; empty where there is none to go through."""
        return f"{self.pages.path}status" if self.pages.path else ""

    def _repr_html_(self, cluster_status: str | None = None) -> str:
        """Dask's own table, which its widget shows too. A whole path would lie over what is beside it, and the other links that
        Dask writes lead to the loopback address of a node.
        """
        shown: str = super()._repr_html_(cluster_status)  # type: ignore[no-untyped-call]
        link = html.escape(self.dashboard_link)
        own = f'<strong>Dashboard:</strong> <a href="{link}" target="_blank">status</a>' if link else ""
        head, *others = _DASHBOARD.split(shown)
        return head + own + "".join(others)

    def submit(self, jobs: int) -> None:
        """Submits until there are `jobs` jobs, and raises what the broker or the batch system said if it refused.

        `scale` does the same on the side and only logs the refusal.
        """
        self.sync(self._submit, jobs)  # type: ignore[no-untyped-call]

    async def _submit(self, jobs: int) -> None:
        self.pages.announce(self.scheduler)
        self._listening = asyncio.create_task(self._listen())
        while len(self.worker_spec) < jobs:
            self.worker_spec.update(self.new_worker_spec())  # type: ignore[no-untyped-call]
        await self._correct_state()  # type: ignore[no-untyped-call]

    async def _correct_state_internal(self) -> None:
        try:
            await super()._correct_state_internal()
        except SampanError:
            # What was refused is wanted no more: else it would count as a worker that is on its way.
            for name in [name for name, job in self.workers.items() if job.status is Status.failed]:
                del self.workers[name]
                self.worker_spec.pop(name, None)
            raise

    def _update_worker_status(self, op: str, msg: Any) -> None:
        super()._update_worker_status(op, msg)  # type: ignore[no-untyped-call]
        if op == "remove":
            # Its walltime was reached, or its node was lost: Dask forgets it after a while, and another takes its place.
            wait = dask.utils.parse_timedelta(dask.config.get(_LOST)) + _REPLACED
            asyncio.get_running_loop().call_later(wait, self._replace)

    def _replace(self) -> None:
        if self.status is Status.running and set(self.worker_spec) - set(self.workers):
            self._futures.add(asyncio.ensure_future(self._correct_state()))  # type: ignore[no-untyped-call]

    async def _listen(self) -> None:
        """Does what is asked for elsewhere, and tells how many workers there are."""
        telling = asyncio.create_task(self._tell())
        try:
            async with contextlib.aclosing(self.foreman.wishes()) as wishes:
                async for wish in wishes:
                    if not wish:
                        self._told = {}
                    elif "workers" in wish:
                        self._fixed(wish["workers"])
                    else:
                        self.adapt(minimum=wish["minimum"], maximum=wish["maximum"])
        finally:
            telling.cancel()
        if self.status is Status.running and not self.foreman.leaving:
            # Somebody has ended it elsewhere.
            self.foreman.leaving = True
            self._closing = asyncio.create_task(self._close())

    def _fixed(self, workers: int) -> None:
        if self._adaptive is not None:
            self._adaptive.stop()
            self._adaptive = None
        self.scale(workers)  # type: ignore[no-untyped-call]

    async def _tell(self) -> None:
        while True:
            state = {
                "workers": len(self.scheduler_info.get("workers", ())),
                "wanted": len(self.worker_spec),
                "pages": self.pages.path,
                "scheduler": self.scheduler_address,
                "keys": str(self.seal.directory),
                **self._span(),
            }
            if state != self._told:
                self._told = state
                await self.foreman.tell(state)
            await asyncio.sleep(_REPLACED)

    def _span(self) -> dict[str, int]:
        adaptive = getattr(self, "_adaptive", None)
        if adaptive is None:
            return {}
        limits = {"minimum": adaptive.minimum, "maximum": adaptive.maximum}
        return {name: int(value) for name, value in limits.items() if value < 1_000_000}

    async def _close(self) -> None:
        self.foreman.leaving = True
        try:
            await super()._close()  # type: ignore[no-untyped-call]
        finally:
            if self._listening is not None:
                self._listening.cancel()
            await self.foreman.close()
            self.pages.remove()
            self.seal.remove()


class CentreClient(Client):
    """A client from another notebook of the session. `pages`: where Dask's pages are for its person; empty: nowhere."""

    def __init__(self, address: str, *, pages: str, **more: Any) -> None:
        self._pages = pages
        super().__init__(address, **more)  # type: ignore[no-untyped-call]

    @property
    def dashboard_link(self) -> str:
        """Dask's own would lead to the loopback address of a node."""
        return f"{self._pages}status" if self._pages else ""
