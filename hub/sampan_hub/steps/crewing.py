"""A Dask cluster's launch: it stands where its parent runs, its jobs come and go, and none is left when it ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from sampan.errors import Conflict, Refused, SampanError
from sampan.messages import Message
from sampan.stages import PROGRESS, SILENT, Seen, Stage, Target
from sampan_hub.jobs import JobSpec
from sampan_hub.records import Attempt, Launch, holder
from sampan_hub.services import Services
from sampan_hub.steps.cancelling import see, stopping
from sampan_hub.steps.ending import end_attempt
from sampan_hub.steps.sights import seen_in
from sampan_hub.views import ends_at
from sampan_hub.worker_script import WorkerScript, render_workers

__all__ = ["dismiss", "hire", "say_workers", "tend"]

log = logging.getLogger(__name__)

_LOOK: Final = 2.0
_AGAIN: Final = 5.0
"""Seconds after which an end that is not confirmed is asked for once more."""
_SOON: Final = 0.5
_SAID: Final = 5.0
"""Seconds between two sentences on how many workers there are."""
_SHORTEST: Final = 2
"""Minutes that a worker's job lasts at least."""


async def tend(services: Services, launch: Launch, live: Sequence[Attempt]) -> float | None:
    """Moves a cluster's launch one step: it stands, or it goes with whoever made it, or somebody ends it."""
    roster = services.rosters.of(launch.id)
    if launch.target is not Target.READY:
        return await _end(services, launch, live[-1])
    if not live or live[-1].stage is not Stage.READY:
        await _stand(services, launch)
        return 0.0
    link = services.links.get(str(launch.parent))
    if link is None or link.closed.is_set():
        roster.doubt()
    if roster.gone:
        log.info("launch %s: nobody is there any more who made this cluster", launch.id)
        await services.store.update_launch(launch.id, target=Target.STOPPED, cause=Message("ended.deserted"))
        return 0.0
    await say_workers(services, launch)
    return _LOOK


async def say_workers(services: Services, launch: Launch) -> None:
    """Says how many workers there are: at once, and not again for a while. What has changed meanwhile is said by `tend`."""
    roster = services.rosters.of(launch.id)
    attempts = await services.store.attempts(launch.id)
    said_lately = time.monotonic() - roster.said_at < _SAID
    if not attempts or not roster.state or said_lately or launch.target is not Target.READY:
        return
    have = {name: roster.state[name] for name in ("workers", "wanted")}
    message = Message("cluster.works", {**have, "centre": services.say(attempts[-1].centre)})
    if launch.message != message:
        roster.said_at = time.monotonic()
        seen, number = attempts[-1].seen, attempts[-1].number
        await services.store.step(launch.id, message=message, stage=launch.stage, seen=seen, attempt=number)


async def _stand(services: Services, launch: Launch) -> Attempt:
    """The one attempt of a cluster: at the centre, in the share and under the account of its parent's job."""
    async with services.rosters.of(launch.id).standing:
        # Whoever asks for workers may come while it is made.
        attempts = await services.store.attempts(launch.id)
        attempt = attempts[-1] if attempts else await _begin(services, launch)
        if attempt.stage is not Stage.READY:
            await _open(services, launch, attempt)
        return attempt


async def _begin(services: Services, launch: Launch) -> Attempt:
    _, above = await _parent(services, launch)
    return await services.store.add_attempt(
        launch.id,
        centre=above.centre,
        share=above.share,
        account=above.account,
        hub_id=services.settings.hub_id,
        message=Message("cluster.opens", {"centre": services.say(above.centre)}),
        progress=PROGRESS[Stage.PLACED],
    )


async def _open(services: Services, launch: Launch, attempt: Attempt) -> None:
    _, above = await _parent(services, launch)
    now = services.now()
    ready = {"stage": Stage.READY, "stage_at": now, "ready_at": now, "node": above.node}
    await services.store.step(
        launch.id,
        attempt=attempt.number,
        attempt_fields=ready,
        launch_fields={"stage": Stage.READY},
        message=Message("cluster.stands", {"centre": services.say(above.centre)}),
        stage=Stage.READY,
        seen=Seen.ALIVE,
        progress=PROGRESS[Stage.READY],
        final="ready",
    )


async def hire(
    services: Services,
    launch: Launch,
    numbers: tuple[int, ...],
    *,
    key: str,
    address: str,
    keys: str,
    python: str,
) -> dict[str, str]:
    """Submits one worker's job for each number: in one submission where the scheduler knows arrays. Number → job.

    What it submits is named by `key`. Where nobody knows whether a request with that key was answered, what it has made
    already is looked for first. Raises `Refused` in the scheduler's words or ours, and then there is nothing of it;
    `Invalid`, `Unavailable`.
    """
    attempt = await _standing(services, launch)
    centre = services.centre(attempt.centre)
    name = f"{_name(attempt)}-{key[:16]}"
    script = await _script(services, launch, attempt, name, address, keys, python)
    path = f"{services.attempt_dir(*await _parent(services, launch))}/{launch.id}-{key[:8]}"
    need = replace(launch.need, minutes=script.minutes)
    if centre.scheduler.arrays:
        text, places = render_workers(script, *numbers), tuple(range(len(numbers)))
        spec = centre.job(attempt.share, need, tag=name, script=text, log=f"{path}-%a.log", array=places)
        (job,) = await _submit(services, launch, attempt, key, [spec])
        return {str(number): f"{job}_{place}" for place, number in enumerate(numbers)}
    each = [(number, replace(script, name=f"{name}-{number}")) for number in numbers]
    specs = [
        centre.job(
            attempt.share,
            need,
            tag=one.name,
            script=render_workers(one, number),
            log=f"{path}-{number}.log",
        )
        for number, one in each
    ]
    jobs = await _submit(services, launch, attempt, key, specs)
    return {str(number): job for number, job in zip(numbers, jobs, strict=True)}


async def _submit(
    services: Services, launch: Launch, attempt: Attempt, key: str, specs: Sequence[JobSpec]
) -> list[str]:
    """The number of each, which may have been submitted before; all of them or, where one is refused, none."""
    centre, roster = services.centre(attempt.centre), services.rosters.of(launch.id)
    known = key not in roster.doubtful and attempt.created_at >= services.started_at
    roster.doubtful.add(key)
    made: dict[str, str] = {}
    if not known:
        names = [spec.tag for spec in specs]
        found = await centre.ask(centre.scheduler.find(names), account=attempt.account)
        made = {job.tag: job.id for job in reversed(found) if job.account == attempt.account}
    try:
        for spec in specs:
            if spec.tag not in made:
                made[spec.tag] = await centre.ask(centre.scheduler.submit(spec), account=attempt.account)
    except Refused:
        await _cancel(services, attempt, {job: tag for tag, job in made.items()})
        raise
    roster.doubtful.discard(key)
    return [made[spec.tag] for spec in specs]


async def _cancel(services: Services, attempt: Attempt, jobs: Mapping[str, str]) -> None:
    """Job → its name."""
    centre = services.centre(attempt.centre)
    for job, name in jobs.items():
        await centre.ask(centre.scheduler.cancel(job, name), account=attempt.account)


async def dismiss(services: Services, launch: Launch, jobs: Sequence[str]) -> None:
    """Ends single workers' jobs."""
    attempt = await _standing(services, launch)
    # An element of an array is known by the whole, and ended by its number alone.
    own, wholes = await _jobs(services, attempt), {job: job.partition("_")[0] for job in jobs}
    await _cancel(services, attempt, {job: own[whole] for job, whole in wholes.items() if whole in own})


async def _standing(services: Services, launch: Launch) -> Attempt:
    if launch.target is not Target.READY:
        raise Conflict("launch.over", launch=launch.id)
    return await _stand(services, launch)


async def _parent(services: Services, launch: Launch) -> tuple[Launch, Attempt]:
    """The session or kernel that it belongs to, and the job in which that is. Raises `Conflict` where it does not run."""
    parent = await services.store.launch(str(launch.parent))
    above = holder(await services.store.attempts(str(launch.parent)))
    if parent is None or above is None or not above.live or above.stage is not Stage.READY:
        raise Conflict("cluster.no_parent")
    return parent, above


def _name(attempt: Attempt) -> str:
    """How the names of a cluster's jobs begin: with its attempt's tag, by which the sweep knows them, and a word more."""
    return f"{attempt.tag}-dask-w"


async def _script(
    services: Services, launch: Launch, attempt: Attempt, name: str, address: str, keys: str, python: str
) -> WorkerScript:
    centre, share = services.centre(attempt.centre), attempt.share
    facts = centre.descriptor
    need = centre.takes(share, launch.need)
    return WorkerScript(
        name=name,
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
        scratch=facts.scratch,
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
            return await end_attempt(services, launch, attempt, why, seen=seen_in(error))
        await see(services, launch, attempt, seen_in(error))
        if attempt.seen in SILENT and launch.message != (message := stopping(services, attempt)):
            await services.store.step(launch.id, message=message, stage=launch.stage, seen=attempt.seen)
        return _AGAIN
    if not left:
        return await end_attempt(services, launch, attempt, wanted)
    if time.monotonic() - roster.asked_at >= _AGAIN:
        roster.asked_at = time.monotonic()
        await _cancel(services, attempt, left)
    # Most end at once; each look is a question for all that the queue has.
    roster.looks += 1
    return float(min(_AGAIN, _SOON * 2 ** (roster.looks - 1)))


async def _jobs(services: Services, attempt: Attempt) -> dict[str, str]:
    """Its jobs that are not over, as their person sees them: number → name."""
    centre = services.centre(attempt.centre)
    found = await centre.ask(centre.scheduler.find([]), account=attempt.account)
    own = (job for job in found if job.account == attempt.account)
    return {job.id: job.tag for job in own if job.tag.startswith(_name(attempt))}
