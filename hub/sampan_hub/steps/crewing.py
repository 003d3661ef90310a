"""A Dask cluster's launch: it stands where its parent runs, its jobs come and go, and none is left when it ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Final

from sampan.errors import Conflict, Refused, SampanError
from sampan.messages import Message
from sampan.need import Need
from sampan.stages import PROGRESS, SILENT, Seen, Stage, Target
from sampan_hub.records import Attempt, Launch, holder
from sampan_hub.services import Services
from sampan_hub.steps.cancelling import see, stopping
from sampan_hub.steps.ending import end_attempt
from sampan_hub.steps.sights import seen_in
from sampan_hub.views import ends_at
from sampan_hub.worker_script import NUMBER, WorkerScript, render_workers

__all__ = ["dismiss", "hire", "tend"]

log = logging.getLogger(__name__)

_LOOK: Final = 2.0
_AGAIN: Final = 5.0
"""Seconds after which an end that is not confirmed is asked for once more."""
_SOON: Final = 0.5
_SHORTEST: Final = 2
"""Minutes that a worker's job lasts at least."""


async def tend(services: Services, launch: Launch, live: Sequence[Attempt]) -> float | None:
    """Moves a cluster's launch one step: it stands, or it goes with whoever made it, or somebody ends it."""
    roster = services.rosters.of(launch.id)
    if not live:
        await _stand(services, launch)
        return 0.0
    if launch.target is not Target.READY:
        return await _end(services, launch, live[-1])
    link = services.links.get(str(launch.parent))
    if link is None or link.closed.is_set():
        roster.doubt()
    if roster.gone:
        log.info("launch %s: nobody is there any more who made this cluster", launch.id)
        await services.store.update_launch(launch.id, target=Target.STOPPED, cause=Message("ended.deserted"))
        return 0.0
    return _LOOK


async def _stand(services: Services, launch: Launch) -> Attempt:
    """The one attempt of a cluster: at the centre, in the share and under the account of its parent's job."""
    _, above = await _parent(services, launch)
    names = services.say(above.centre)
    attempt = await services.store.add_attempt(
        launch.id,
        centre=above.centre,
        share=above.share,
        account=above.account,
        hub_id=services.settings.hub_id,
        message=Message("cluster.opens", {"centre": names}),
        progress=PROGRESS[Stage.PLACED],
    )
    now = services.now()
    ready = {"stage": Stage.READY, "stage_at": now, "ready_at": now, "node": above.node}
    await services.store.step(
        launch.id,
        attempt=attempt.number,
        attempt_fields=ready,
        launch_fields={"stage": Stage.READY},
        message=Message("cluster.stands", {"centre": names}),
        stage=Stage.READY,
        seen=Seen.ALIVE,
        progress=PROGRESS[Stage.READY],
        final="ready",
    )
    return attempt


async def hire(
    services: Services, launch: Launch, numbers: tuple[int, ...], *, address: str, keys: str, python: str
) -> dict[str, str]:
    """Submits one worker's job for each number: in one submission where the scheduler knows arrays. Number → job.

    Raises `Refused` in the scheduler's words or ours, `Invalid`, `Unavailable`.
    """
    attempt = await _standing(services, launch)
    centre = services.centre(attempt.centre)
    script = await _script(services, launch, attempt, address, keys, python)
    need = Need(cores=script.cores, memory_mib=script.memory_mib, minutes=script.minutes)
    folder = services.attempt_dir(*await _parent(services, launch))
    if centre.scheduler.arrays:
        text, path = render_workers(script, NUMBER), f"{folder}/{launch.id}-%a.log"
        spec = centre.job(attempt.share, need, tag=script.name, script=text, log=path, array=numbers)
        job = await centre.ask(centre.scheduler.submit(spec), account=attempt.account)
        return {str(number): f"{job}_{number}" for number in numbers}
    jobs = {}
    for number in numbers:
        text, path = render_workers(script, str(number)), f"{folder}/{launch.id}-{number}.log"
        spec = centre.job(attempt.share, need, tag=script.name, script=text, log=path)
        jobs[str(number)] = await centre.ask(centre.scheduler.submit(spec), account=attempt.account)
    return jobs


async def dismiss(services: Services, launch: Launch, jobs: Sequence[str]) -> None:
    """Ends single workers' jobs."""
    attempt = await _standing(services, launch)
    centre = services.centre(attempt.centre)
    for job in jobs:
        await centre.ask(centre.scheduler.cancel(job, _name(attempt)), account=attempt.account)


async def _standing(services: Services, launch: Launch) -> Attempt:
    attempts = await services.store.attempts(launch.id)
    if launch.target is not Target.READY:
        raise Conflict("launch.over", launch=launch.id)
    return attempts[-1] if attempts else await _stand(services, launch)


async def _parent(services: Services, launch: Launch) -> tuple[Launch, Attempt]:
    """The session or kernel that it belongs to, and the job in which that is. Raises `Conflict` where it does not run."""
    parent = await services.store.launch(str(launch.parent))
    above = holder(await services.store.attempts(str(launch.parent)))
    if parent is None or above is None or not above.live or above.stage is not Stage.READY:
        raise Conflict("cluster.no_parent")
    return parent, above


def _name(attempt: Attempt) -> str:
    """Of a cluster's jobs, all alike: its attempt's tag, by which the sweep knows them, and a word more."""
    return f"{attempt.tag}-dask-w"


async def _script(
    services: Services, launch: Launch, attempt: Attempt, address: str, keys: str, python: str
) -> WorkerScript:
    centre, share = services.centre(attempt.centre), attempt.share
    facts = centre.descriptor
    need = centre.takes(share, launch.need)
    return WorkerScript(
        name=_name(attempt),
        cluster=launch.id,
        launch=str(launch.parent),
        centre=centre.id,
        title_en=facts.names.en,
        title_zh=facts.names.zh,
        share=share,
        scheduler=facts.scheduler.kind,
        cores=need.cores,
        memory_mib=need.memory_mib,
        minutes=await _minutes(services, launch),
        home=centre.home(launch.owner, attempt.account),
        keys=keys,
        address=address,
        python=python or facts.environment.python,
        local=facts.scheduler.kind == "process",
        modules=facts.environment.modules,
        setup_file=facts.environment.setup_file,
    )


async def _minutes(services: Services, launch: Launch) -> int:
    """As long as was asked for, and no longer than its parent's job lasts."""
    end = ends_at(services, *await _parent(services, launch))
    left = launch.need.minutes if end is None else int(end - services.now()) // 60
    if left < _SHORTEST:
        raise Refused("cluster.no_time")
    return min(launch.need.minutes, left)


async def _end(services: Services, launch: Launch, attempt: Attempt) -> float | None:
    """Over when the scheduler tells of none of its jobs."""
    roster, wanted = services.rosters.of(launch.id), launch.cause or Message("ended.stopped")
    roster.news.set()
    if roster.hiring.locked():
        # What is being submitted is in no list yet.
        return _SOON
    try:
        left = await _jobs(services, attempt)
    except SampanError as error:
        if launch.target is Target.LET_GO:
            why = Message("ended.let_go", {"centre": services.say(attempt.centre)})
            await _over(services, launch, attempt, why, seen_in(error))
            return None
        await see(services, launch, attempt, seen_in(error))
        if attempt.seen in SILENT and launch.message != (message := stopping(services, attempt)):
            await services.store.step(launch.id, message=message, stage=launch.stage, seen=attempt.seen)
        return _AGAIN
    if not left:
        await _over(services, launch, attempt, wanted, Seen.ENDED)
        return None
    if time.monotonic() - roster.asked_at >= _AGAIN:
        roster.asked_at = time.monotonic()
        centre = services.centre(attempt.centre)
        for job in left:
            await centre.ask(centre.scheduler.cancel(job, _name(attempt)), account=attempt.account)
    return _SOON


async def _over(services: Services, launch: Launch, attempt: Attempt, why: Message, seen: Seen) -> None:
    await end_attempt(services, launch, attempt, why, seen=seen)
    services.rosters.forget(launch.id)


async def _jobs(services: Services, attempt: Attempt) -> list[str]:
    """The numbers of its jobs that are not over, as their person sees them."""
    centre = services.centre(attempt.centre)
    found = await centre.ask(centre.scheduler.find([]), account=attempt.account)
    return [job.id for job in found if (job.tag, job.account) == (_name(attempt), attempt.account)]
