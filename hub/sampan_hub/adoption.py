"""Jobs of ours that no row knows: their launch is written anew from their papers, or they end, as the hub's policy says.

The database was lost, or is an older copy. What cannot be proved to be ours is never touched.
"""

from __future__ import annotations

import logging
import re
import time
from typing import Final

from sampan.errors import Conflict, Forbidden, SampanError, Unavailable
from sampan.messages import Message
from sampan_hub.accounts import shared_account
from sampan_hub.centre import Centre
from sampan_hub.descriptor import ACCOUNT
from sampan_hub.jobs import FoundJob
from sampan_hub.papers import Papers
from sampan_hub.records import Launch
from sampan_hub.services import Services
from sampan_hub.strays import YOUNG, Stray
from sampan_hub.system_accounts import is_system_account

__all__ = ["CLOCKS", "known_accounts", "settle", "sure"]

log = logging.getLogger(__name__)

CLOCKS: Final = 900.0
"""Seconds by which the clocks of a centre and of the hub may differ before a job is not the one that was submitted."""


async def settle(services: Services, centre: Centre, job: FoundJob) -> None:
    """Gives the job its row back; where that cannot be, ends it when it has waited for as long as the policy says.

    A job whose papers cannot be read just now waits for the next sweep.
    """
    strays, key = services.strays, (centre.id, job.id)
    if key in strays.foreign:
        return
    stray = strays.find(centre.id, job.id, job.tag, job.account)
    try:
        papers = await _papers(services, centre, job)
        if papers is None:
            log.error("%s: job %s of %s carries our tag %s and is not ours", *key, job.account, job.tag)
            strays.foreign.add(key)
            strays.settle(centre.id, job.id, "foreign")
        elif papers.centre != centre.id:
            # One centre under two names: it is found under its own.
            strays.foreign.add(key)
            strays.found.pop(key, None)
        elif papers.rival and await _may_have_a_holder(services, papers, stray):
            stray.why = "the job whose place it may take is looked for"
        elif isinstance(launch := await _readmit(services, centre, job, papers), str):
            await _drain(services, centre, job, stray, launch)
        else:
            log.warning("%s: job %s (%s) of %s is found again", *key, job.tag, papers.owner)
            strays.settle(centre.id, job.id, "adopted")
            await services.take_up(launch)
    except SampanError as error:
        log.warning("%s: job %s (%s) has no row, and is not settled yet: %s", *key, job.tag, error)


async def _papers(services: Services, centre: Centre, job: FoundJob) -> Papers | None:
    """The job's papers; None unless this hub has made them, for this account, at the moment that the scheduler tells."""
    if not _of_a_person(job.account) or job.submitted_at is None:
        return None
    script = await centre.ask(centre.scheduler.script(job.id, job.tag), account=job.account)
    if script is None:
        raise Unavailable("scheduler.no_answer", cause="it has just gone")
    papers = Papers.of(script, job.tag, services.master)
    if papers is None or papers.account != job.account:
        return None
    submitted = services.hints.by_our_clock(centre.id, job.submitted_at)
    return papers if abs(submitted - papers.submitted_at) <= CLOCKS else None


def _of_a_person(account: str) -> bool:
    return re.fullmatch(ACCOUNT, account) is not None and not is_system_account(account)


async def _may_have_a_holder(services: Services, papers: Papers, stray: Stray) -> bool:
    """Whether a centre that has not told yet may have the job beside which this one was sent."""
    if await services.store.attempts(papers.launch):
        return False
    told = all(services.strays.whole(name).is_set() for name in services.directory.centres)
    return not told and time.monotonic() - stray.since < YOUNG


async def _readmit(services: Services, centre: Centre, job: FoundJob, papers: Papers) -> Launch | str:
    """The launch, written anew; or why there can be none."""
    if services.settings.strays != "adopt":
        return "the hub does not adopt jobs"
    try:
        account = await centre.account(papers.owner)
    except Forbidden:
        account = ""
    if account != job.account:
        # Somebody else may have it by now.
        return f"{job.account} is not {papers.owner}'s account there any more"
    message = Message("launch.found_again", {"centre": services.say(centre.id)})
    try:
        return await services.store.readmit(papers, job, message)
    except Conflict as error:
        return str(error)


async def _drain(services: Services, centre: Centre, job: FoundJob, stray: Stray, why: str) -> None:
    if stray.why != why:
        log.warning("%s: job %s (%s) cannot have a row: %s", centre.id, job.id, job.tag, why)
        stray.why = why
    policy, waited = services.settings.strays, time.monotonic() - stray.since
    if policy == "leave" or waited < services.settings.drain_after:
        return
    await centre.ask(centre.scheduler.cancel(job.id, job.tag), account=job.account)
    if not stray.draining:
        log.warning("%s: job %s (%s) is cancelled: %s", centre.id, job.id, job.tag, why)
        services.strays.counts[centre.id, "drained"] += 1
        stray.draining = True


def known_accounts(centre: Centre) -> frozenset[str]:
    """The accounts that the centre's descriptor names: whose jobs there may be without anybody remembering."""
    facts = centre.descriptor.accounts
    if facts.method == "shared":
        account, may_run = shared_account(facts)
        return frozenset({account} if may_run else ())
    return frozenset(facts.table.values() if facts.method == "table" else facts.certified)


async def sure(services: Services, owner: str, launch: str) -> bool:
    """Whether there certainly is no such launch of this person: every centre has told of their jobs since the start."""
    services.strays.sought.add(owner)
    if services.strays.of(launch):
        return False
    for name, centre in list(services.directory.centres.items()):
        heard = services.strays.heard.get(name, set())
        try:
            asker = centre.asker(await centre.account(owner))
        except Forbidden:
            continue
        except SampanError:
            return False
        if asker not in heard:
            return False
    return True
