"""From a row to a job: written down before, looked for before it is said twice."""

from __future__ import annotations

import asyncio
import logging

from sampan.errors import Refused, SampanError, Unavailable, Unreachable
from sampan.messages import Message
from sampan.stages import PROGRESS, Seen, Stage
from sampan_hub import files
from sampan_hub.centre import Centre
from sampan_hub.jobs import JobSpec
from sampan_hub.papers import Papers
from sampan_hub.records import Attempt, Launch, need_of
from sampan_hub.script import Script, render_script
from sampan_hub.services import Services
from sampan_hub.steps.ending import end_attempt

__all__ = ["find_job", "submit"]

log = logging.getLogger(__name__)

_PATIENCE = 20.0
"""Seconds of no answer from a centre that was asked to take a job before the next one is asked."""
_AGAIN = 1.0
_STRANGER = frozenset({"batch.account", "batch.user"})
"""Refusals that hold for whatever this person asks for there, until somebody gives them a project."""


async def submit(services: Services, launch: Launch, attempt: Attempt) -> float | None:
    """Submits the attempt's job, once: whoever was killed in between, or lost the reply, looks for the tag first."""
    try:
        centre = services.centre(attempt.centre)
        # A row that this process did not write may be older than what was done: databases are restored from copies.
        known = attempt.submit_began_at is None and attempt.created_at >= services.started_at
        job = None if known else await find_job(services, attempt)
        if job is None:
            job = await _submit(services, centre, launch, attempt)
    except Refused as error:
        if error.code in _STRANGER:
            services.without_account[attempt.centre, launch.owner] = error.message
        why = Message("ended.refused", {"why": error.message})
        return await end_attempt(services, launch, attempt, why)
    except SampanError as error:
        return await _no_answer(services, launch, attempt, error)
    now = services.now()
    services.in_flight.submitted(launch.id, now)
    services.watch(attempt.centre).follow(job, attempt.account, busy=True)
    await services.store.step(
        launch.id,
        attempt=attempt.number,
        attempt_fields={
            "job": job,
            "stage": Stage.SUBMITTED,
            "stage_at": now,
            "submitted_at": now,
            "place": None,
        },
        launch_fields={"stage": Stage.SUBMITTED},
        message=Message("launch.submitted", {"centre": services.say(attempt.centre), "job": job}),
        stage=Stage.SUBMITTED,
        seen=Seen.ALIVE,
        progress=PROGRESS[Stage.SUBMITTED],
    )
    return 0.2


async def find_job(services: Services, attempt: Attempt) -> str | None:
    """The attempt's job at its centre, by its tag and account; None where there certainly is none.

    Asked as its person, who always sees it: from the service account it may be hidden, and no row is no evidence then.
    Raises `Unavailable` or `Unreachable` where nobody can say.
    """
    centre = services.centre(attempt.centre)
    # The records too where the queue has only somebody else's: a foreign tag must not hide our own job's end.
    for question in (centre.scheduler.find, centre.scheduler.recall):
        found = await centre.ask(question([attempt.tag]), account=attempt.account)
        ours = [job for job in found if job.tag == attempt.tag and job.account == attempt.account]
        for foreign in (job for job in found if job not in ours):
            log.error(
                "%s: job %s of %s carries our tag %s", centre.id, foreign.id, foreign.account, attempt.tag
            )
        if ours:
            return ours[0].id
    return None


async def _submit(services: Services, centre: Centre, launch: Launch, attempt: Attempt) -> str:
    directory = services.attempt_dir(launch, attempt)
    # Asked beside what has to be asked anyhow, so that nobody waits longer for it.
    unfit, _ = await asyncio.gather(
        centre.vetting.unfit(), centre.ask(files.make_directory(directory), account=attempt.account)
    )
    if unfit is not None:
        raise Refused("environment.unfit", why=unfit)
    spec = _spec(services, centre, launch, attempt, directory)
    await services.store.update_attempt(launch.id, attempt.number, submit_began_at=services.now())
    return await centre.ask(centre.scheduler.submit(spec), account=attempt.account)


def _spec(services: Services, centre: Centre, launch: Launch, attempt: Attempt, directory: str) -> JobSpec:
    share, facts = centre.share(attempt.share), centre.descriptor
    wanted = need_of(launch, attempt)
    need = centre.takes(share.id, wanted)
    script = Script(
        tag=attempt.tag,
        launch=launch.id,
        kind=launch.kind.value,
        centre=centre.id,
        title_en=facts.names.en,
        title_zh=facts.names.zh,
        share=share.id,
        scheduler=facts.scheduler.kind,
        cores=need.cores,
        memory_mib=need.memory_mib,
        minutes=need.minutes,
        home=centre.home(launch.owner, attempt.account),
        attempt_dir=directory,
        nonce=services.master.nonce(attempt.tag),
        client_key=services.master.public_text(attempt.tag),
        # Where jobs run beside the broker nothing listens on the network; elsewhere the node's own addresses do.
        bind="127.0.0.1" if facts.scheduler.kind == "process" else "0.0.0.0",  # noqa: S104 (one key is let in)
        python=facts.environment.python,
        settled=facts.environment.prefix is not None,
        modules=facts.environment.modules,
        setup_file=facts.environment.setup_file,
        papers=_papers(services, launch, attempt).seal(services.master),
    )
    return centre.job(
        share.id, wanted, tag=attempt.tag, script=render_script(script), log=f"{directory}/job.log"
    )


def _papers(services: Services, launch: Launch, attempt: Attempt) -> Papers:
    return Papers(
        tag=attempt.tag,
        owner=launch.owner,
        account=attempt.account,
        kind=launch.kind,
        name=launch.name,
        need=launch.need,
        options=launch.options,
        prefix=launch.prefix,
        parent=launch.parent,
        door_port=launch.door_port,
        centre=attempt.centre,
        share=attempt.share,
        created_at=launch.created_at,
        submitted_at=services.now(),
        minutes=attempt.minutes,
        rival=attempt.rival,
    )


async def _no_answer(
    services: Services, launch: Launch, attempt: Attempt, error: SampanError
) -> float | None:
    """Not known whether it was taken: keep looking for a while, then ask elsewhere; the sweep ends what turns up later."""
    seen = Seen.UNREACHABLE if isinstance(error, Unreachable) else Seen.UNKNOWN
    if not isinstance(error, Unavailable) or error.code == "centre.file":
        return await end_attempt(services, launch, attempt, Message("ended.refused", {"why": error.message}))
    # A broker that has just come back asks before it says that nobody answers.
    since = max(attempt.created_at, services.admitted.get(attempt.tag, 0.0), services.started_at)
    if services.now() - since > _PATIENCE:
        return await end_attempt(services, launch, attempt, Message("ended.unreachable"), seen=seen)
    if attempt.seen is not seen:
        log.warning("launch %s: %s gives no answer to a submission: %s", launch.id, attempt.centre, error)
        await services.store.update_attempt(launch.id, attempt.number, seen=seen, seen_at=services.now())
    return _AGAIN
