"""One sweep a centre: jobs of ours that no live row wants any more are ended there."""

from __future__ import annotations

import logging
import re
from typing import Final

from sampan.errors import SampanError
from sampan_hub.centre import Centre
from sampan_hub.jobs import FoundJob
from sampan_hub.records import Attempt
from sampan_hub.services import Services

__all__ = ["EVERY", "sweep"]

log = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds between sweeps of a centre."""


async def sweep(services: Services, name: str) -> int:
    """Cancels jobs whose attempt has ended; returns how many. A job without any row of ours is reported, not touched:

    it may belong to a database that was lost, and unknown is not dead.
    """
    centre = services.centre(name)
    cancelled = 0
    for job in await _jobs(services, centre):
        whose = _TAG.fullmatch(job.tag)
        if whose is None or whose["hub"] != services.settings.hub_id:
            continue
        attempt = await services.store.attempt_by_tag(whose["attempt"])
        if attempt is None:
            log.warning("%s: job %s carries our tag %s, but there is no row for it", name, job.id, job.tag)
        elif name == attempt.centre and _unwanted(job, attempt, worker=whose["worker"] is not None):
            try:
                await centre.ask(centre.scheduler.cancel(job.id, job.tag), account=attempt.account)
                cancelled += 1
                log.info("%s: job %s (%s) is cancelled: nobody wants it any more", name, job.id, job.tag)
            except SampanError as error:
                log.warning("%s: job %s is not cancelled: %s", name, job.id, error)
    return cancelled


async def _jobs(services: Services, centre: Centre) -> list[FoundJob]:
    """What lives there under names of ours; where nobody sees everybody's jobs, each person's is asked for."""
    askers: list[str | None] = [None]
    if centre.asker("") is not None:
        now = services.now()
        askers = [*sorted(await services.store.accounts(centre.id, now - _LATELY, now - _LONGEST))]
    found: list[FoundJob] = []
    for asker in askers:
        try:
            jobs = await centre.ask(centre.scheduler.find([]), account=asker)
        except SampanError as error:
            log.info("%s was not swept%s: %s", centre.id, f" for {asker}" if asker else "", error)
        else:
            found += jobs
    return found


_LATELY: Final = 3600.0
"""Seconds for which jobs are looked for also after an end that was confirmed: its Dask workers, a second job of its tag."""
_LONGEST: Final = 31 * 24 * 3600.0
"""Seconds after which a job of an attempt that is over has ended by itself."""
_TAG: Final = re.compile(
    r"(?P<attempt>sampan-(?P<hub>[a-z0-9]+)-[a-z0-9]+-[0-9]+)(?P<worker>-dask-[a-z0-9-]+)?"
)
"""An attempt's tag; its Dask workers carry the same with more behind it."""


def _unwanted(job: FoundJob, attempt: Attempt, *, worker: bool) -> bool:
    """Destructive only where tag, account and, where we know it, the job's number match.

    A live attempt has one job: a second one is what a submission became whose reply came too late.
    """
    if job.account != attempt.account:
        return False
    if attempt.ended_at is not None:
        return worker or attempt.job in (None, job.id)
    return not worker and attempt.job is not None and attempt.job != job.id
