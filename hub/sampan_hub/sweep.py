"""One sweep a centre: jobs of ours that nobody wants any more are ended there, and those that no row knows are settled."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable
from typing import Final

from sampan.errors import Forbidden, SampanError
from sampan_hub.adoption import CLOCKS, known_accounts, settle
from sampan_hub.centre import Centre
from sampan_hub.jobs import FoundJob
from sampan_hub.records import Attempt
from sampan_hub.services import Services

__all__ = ["sweep"]

log = logging.getLogger(__name__)


async def sweep(services: Services, name: str) -> int:
    """Cancels jobs whose attempt has ended, and settles those without a row; returns how many it has cancelled."""
    centre = services.centre(name)
    cancelled = 0
    unknown: list[FoundJob] = []
    jobs, all_told = await _jobs(services, centre)
    for job in jobs:
        whose = _TAG.fullmatch(job.tag)
        if whose is None or whose["hub"] != services.settings.hub_id:
            continue
        attempt = await services.store.attempt_by_tag(whose["attempt"])
        worker = whose["worker"] is not None
        if attempt is None or attempt.centre != name:
            # Workers end by themselves when they have nobody to work for; nothing tells whose they are.
            unknown += [] if worker else [job]
        elif _unwanted(services, job, attempt, worker=worker):
            cancelled += await _cancel(services, centre, job, attempt)
    await _settle(services, centre, unknown)
    if all_told:
        services.strays.gone(name, {job.id for job in jobs})
        services.strays.whole(name).set()
    return cancelled


async def _cancel(services: Services, centre: Centre, job: FoundJob, attempt: Attempt) -> bool:
    try:
        await centre.ask(centre.scheduler.cancel(job.id, job.tag), account=attempt.account)
    except SampanError as error:
        log.warning("%s: job %s is not cancelled: %s", centre.id, job.id, error)
        return False
    services.strays.counts[centre.id, "cancelled"] += 1
    log.info("%s: job %s (%s) is cancelled: nobody wants it any more", centre.id, job.id, job.tag)
    return True


async def _settle(services: Services, centre: Centre, jobs: Iterable[FoundJob]) -> None:
    """Those of one launch one after another: a later attempt finds the earlier, and of two with one tag the first counts."""
    launches: dict[str, list[FoundJob]] = {}
    for job in sorted(jobs, key=lambda job: (_number(job), job.submitted_at or 0.0, job.id)):
        launches.setdefault(job.tag.rpartition("-")[0], []).append(job)
    places = asyncio.Semaphore(_AT_ONCE)

    async def each(of_one: list[FoundJob]) -> None:
        async with places:
            for job in of_one:
                await settle(services, centre, job)

    await asyncio.gather(*map(each, launches.values()))


def _number(job: FoundJob) -> int:
    return int(job.tag.rpartition("-")[2])


async def _jobs(services: Services, centre: Centre) -> tuple[list[FoundJob], bool]:
    """What lives there under names of ours, and whether that is all; where nobody sees everybody's jobs, each is asked."""
    everybody = centre.asker("") is None
    found: list[FoundJob] = []
    failures = 0
    for asker in [None] if everybody else await _accounts(services, centre):
        try:
            jobs = await centre.ask(centre.scheduler.find([]), account=asker)
            found += jobs
            services.strays.hear(centre.id, asker)
        except SampanError as error:
            log.info("%s was not swept%s: %s", centre.id, f" for {asker}" if asker else "", error)
            failures += 1
            if failures == _ENOUGH:
                break
    return found, not failures


async def _accounts(services: Services, centre: Centre) -> list[str]:
    """Whose jobs may live there: by the rows; and once since the start, everybody's whom the centre may know."""
    now = services.now()
    known = await services.store.accounts(centre.id, now - _LATELY, now - _LONGEST)
    more = set(known_accounts(centre))
    for owner in sorted(services.strays.sought):
        try:
            more.add(await centre.account(owner))
        except Forbidden:
            continue
        except SampanError as error:
            log.info("%s does not tell the account of %r: %s", centre.id, owner, error)
    waiting = {stray.account for (place, _), stray in services.strays.found.items() if place == centre.id}
    return sorted(known | waiting | (more - services.strays.heard.get(centre.id, set())))


_AT_ONCE: Final = 4
"""Launches without a row that are settled at the same time; the centre has other people to answer, too."""
_ENOUGH: Final = 3
"""Accounts without an answer after which the others are asked at the next sweep."""
_LATELY: Final = 3600.0
"""Seconds for which jobs are looked for also after an end that was confirmed: its Dask workers, a second job of its tag."""
_LONGEST: Final = 31 * 24 * 3600.0
"""Seconds after which a job of an attempt that is over has ended by itself."""
_TAG: Final = re.compile(
    r"(?P<attempt>sampan-(?P<hub>[a-z0-9]+)-[a-z0-9]+-[0-9]+)(?P<worker>-dask-[a-z0-9-]+)?"
)
"""An attempt's tag; its Dask workers carry the same with more behind it."""


def _unwanted(services: Services, job: FoundJob, attempt: Attempt, *, worker: bool) -> bool:
    """Destructive only where tag, account, time of submission and, where we know it, the job's number match.

    A live attempt has one job: a second one is what a submission became whose reply came too late.
    """
    if job.account != attempt.account or not _of_its_time(services, job, attempt):
        return False
    if attempt.ended_at is not None:
        return worker or attempt.job in (None, job.id)
    return not worker and attempt.job is not None and attempt.job != job.id


def _of_its_time(services: Services, job: FoundJob, attempt: Attempt) -> bool:
    """Whether the job was submitted while that attempt lived, as far as clocks agree."""
    if job.submitted_at is None:
        return False
    at = services.hints.by_our_clock(attempt.centre, job.submitted_at)
    began, ended = attempt.submit_began_at or attempt.created_at, attempt.ended_at or services.now()
    return began - CLOCKS <= at <= ended + CLOCKS
