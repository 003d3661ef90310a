"""From a running job to an answering server or kernel: its report, its link, its identity; and keeping the link afterwards."""

from __future__ import annotations

import asyncio
import logging

from sampan.errors import Refused, SampanError, Unavailable
from sampan.messages import Message
from sampan.stages import PROGRESS, Seen, Stage
from sampan_hub import files
from sampan_hub.kinds import KINDS
from sampan_hub.link import Link, open_link
from sampan_hub.records import Attempt, Launch
from sampan_hub.report import Report, parse_report
from sampan_hub.services import Services
from sampan_hub.steps.cancelling import give_up
from sampan_hub.steps.evidence import look
from sampan_hub.steps.recovering import recover, recovers
from sampan_hub.steps.waiting import turned_out

__all__ = ["keep", "reach", "serve"]

log = logging.getLogger(__name__)

_SOON = 0.15
_RELINK = 1.0
_QUIET = 10.0
_WITH_PARENT = 2.0
"""Seconds until a child looks again whether its parent is still there: what was started beside a session ends with it."""
_HUB_AWAY = 600
"""Seconds that a job waits for the identity of its server: as long as its launcher waits for us."""


async def reach(services: Services, launch: Launch, attempt: Attempt) -> float | None:
    """Running → reachable: reads the launcher's report and makes the link."""
    pause, done = await look(services, launch, attempt)
    if done:
        return pause
    centre = services.centre(attempt.centre)
    try:
        report = await _report(services, launch, attempt)
        if report is not None:
            link = await _link(services, attempt, report)
            if attempt.rival:
                # That it can be reached is all that counts; what it is for is told to it when its turn has come.
                await link.close()
            else:
                _hold(services, launch, attempt, link)
    except Refused as error:
        log.error("launch %s: its report or launcher is refused: %s", launch.id, error)
        return await give_up(services, launch, attempt, Message("ended.report", {"why": error.message}))
    except Unavailable as error:
        log.info("launch %s: not reached: %s", launch.id, error)
        report = None
    if report is None:
        limit = centre.descriptor.limits.boot_seconds
        slow = attempt.seen is Seen.ALIVE and attempt.ready_at is None
        if slow and attempt.running_at and services.now() - attempt.running_at > limit:
            return await give_up(services, launch, attempt, Message("ended.boot_limit", {"seconds": limit}))
        # Each look at the report is a command at the centre: often while it is about to come, less often later.
        booting = services.now() - (attempt.running_at or services.now())
        return min(1.0, max(_SOON, booting / 10))
    now = services.now()
    await services.store.step(
        launch.id,
        attempt=attempt.number,
        attempt_fields={
            "stage": Stage.REACHABLE,
            "stage_at": now,
            "report": report.to_json(),
            "node": report.node,
        },
        launch_fields={"stage": Stage.REACHABLE},
        message=Message("launch.reachable", {"centre": services.say(attempt.centre)}),
        stage=Stage.REACHABLE,
        seen=Seen.ALIVE,
        progress=PROGRESS[Stage.REACHABLE],
    )
    return 0.0


async def serve(services: Services, launch: Launch, attempt: Attempt) -> float | None:
    """Reachable → ready: hands over the identity that is valid now, and waits until the server answers."""
    pause, done = await look(services, launch, attempt)
    if done:
        return pause
    link = await _kept_link(services, launch, attempt)
    if link is None:
        return await _past_limit(services, launch, attempt, _RELINK)
    manner = KINDS[launch.kind]
    if link.greeting.protocol < manner.protocol:
        old = Message(
            "ended.too_old", {"centre": services.say(attempt.centre), "version": link.greeting.version}
        )
        return await give_up(services, launch, attempt, old)
    own = {"SAMPAN_BROKER_TOKEN": services.master.job_token(attempt.tag)}
    identity = services.identities.get(launch.id) if manner.by_hub else own
    given = launch.identity_attempt == attempt.number
    if identity is None and not given:
        # The hub is asked for it by `needs_identity`; after a restart it tells it again. That it is away for a while is
        # no fault of this centre.
        return await _past_limit(services, launch, attempt, 0.5, at_least=_HUB_AWAY)
    try:
        if identity is not None and not given:
            told = {**identity, "SAMPAN_LAB_FILES": services.lab_files}
            await link.start(launch.kind.value, launch.prefix, told)
            # Written after: whoever is killed in between starts again, and the launcher starts nothing twice.
            await services.store.update_launch(launch.id, identity_attempt=attempt.number)
        if not await manner.answers(link, launch.prefix):
            if given and (await link.status()).pid is None:
                # Found again before it was told whose it is.
                await services.store.update_launch(launch.id, identity_attempt=None)
                await services.store.update_attempt(launch.id, attempt.number, ready_at=None)
                return 0.0
            # The launcher says when its socket is listened on; this is for an answer that takes longer.
            return await _past_limit(services, launch, attempt, 0.5)
    except SampanError as error:
        log.info("launch %s: not ready: %s", launch.id, error)
        return await _past_limit(services, launch, attempt, 0.5)
    return await _ready(services, launch, attempt, link)


async def keep(services: Services, launch: Launch, attempt: Attempt) -> float | None:
    """Ready: holds the link; what the scheduler says still counts, nothing is ended for want of an answer."""
    pause, done = await look(services, launch, attempt)
    if done:
        return pause
    link = services.links.get(launch.id)
    if link is None or link.closed.is_set():
        services.lost_links.setdefault(launch.id, services.now())
        if link is not None:
            # Once for each loss: has the job ended, or only the way to it?
            services.watch(attempt.centre).hurry()
            services.links.pop(launch.id, None)
        link = await _kept_link(services, launch, attempt)
        if link is None:
            return _RELINK
        services.lost_links.pop(launch.id, None)
        services.doors.attach(launch.id, link)
    elif recovers(services, launch):
        return await recover(services, launch, attempt, link)
    # The watch and the link wake it when they hear something; the end of a parent does not.
    return _QUIET if launch.parent is None else _WITH_PARENT


async def _ready(services: Services, launch: Launch, attempt: Attempt, link: Link) -> float:
    now = services.now()
    services.doors.attach(launch.id, link)
    services.in_flight.release(launch.id)
    turned_out(services, launch, attempt, "worked")
    if attempt.job:
        services.watch(attempt.centre).follow(attempt.job, attempt.account, busy=False)
    before = [one for one in await services.store.attempts(launch.id) if one.number < attempt.number]
    code = "launch.ready_again" if any(one.ready_at for one in before) else "launch.ready"
    await services.store.step(
        launch.id,
        attempt=attempt.number,
        attempt_fields={
            "stage": Stage.READY,
            "stage_at": now,
            "ready_at": now,
        },
        launch_fields={"stage": Stage.READY},
        message=Message(code, {"centre": services.say(attempt.centre)}),
        stage=Stage.READY,
        seen=Seen.ALIVE,
        progress=PROGRESS[Stage.READY],
        final="ready",
    )
    return 1.0


async def _past_limit(
    services: Services, launch: Launch, attempt: Attempt, pause: float, *, at_least: int = 0
) -> float | None:
    """Gives an attempt up that has been reachable for too long without becoming ready; `pause` while there is time.

    Never one that may have been ready before its database was lost.
    """
    if attempt.ready_at is not None:
        return pause
    limit = max(at_least, services.centre(attempt.centre).descriptor.limits.reach_seconds)
    if services.now() - (attempt.stage_at or attempt.created_at) <= limit or attempt.seen is not Seen.ALIVE:
        return pause
    return await give_up(services, launch, attempt, Message("ended.reach_limit", {"seconds": limit}))


async def _report(services: Services, launch: Launch, attempt: Attempt) -> Report | None:
    """The launcher's report; None while there is none, or nobody knows its node. `Refused` where it cannot be this attempt's."""
    if attempt.report is not None:
        return Report.from_json(attempt.report)
    centre = services.centre(attempt.centre)
    path = f"{services.attempt_dir(launch, attempt)}/report.json"
    text = await centre.ask(files.read(path), account=attempt.account)
    if text is None:
        return None
    report = parse_report(text, nonce=services.master.nonce(attempt.tag))
    status = services.watch(attempt.centre).statuses.get(attempt.job or "")
    # A status without a node (unknown, or not asked for since a restart) takes back nothing of what was said before.
    nodes = (status.nodes if status else ()) or ((attempt.node,) if attempt.node else ())
    if not nodes:
        return None
    if not report.is_on(nodes):
        raise Refused("link.node", node=report.node)
    return report


async def _link(services: Services, attempt: Attempt, report: Report) -> Link:
    centre = services.centre(attempt.centre)
    return await open_link(
        centre,
        centre.launcher_host(report.node),
        report,
        tag=attempt.tag,
        key=services.master.client_key(attempt.tag),
        hub=services.hub_address,
        broker=services.broker_address,
    )


async def _kept_link(services: Services, launch: Launch, attempt: Attempt) -> Link | None:
    """The link, made again when it was lost; None while it cannot be made."""
    link = services.links.get(launch.id)
    if link is not None and not link.closed.is_set():
        return link
    if attempt.report is None:
        return None
    try:
        link = await _link(services, attempt, Report.from_json(attempt.report))
    except SampanError as error:
        log.info("launch %s: link not made: %s", launch.id, error)
        return None
    _hold(services, launch, attempt, link)
    return link


def _hold(services: Services, launch: Launch, attempt: Attempt, link: Link) -> None:
    """Keeps the link, and looks at the launch at once when its job says something or the link is lost."""
    services.links[launch.id] = link

    async def listen() -> None:
        async for event in link.events():
            if event.get("event") == "again":
                services.fallen.add(launch.id)
            if event.get("event") == "exit" and attempt.centre in services.watches:
                services.watches[attempt.centre].hurry()
            services.wake(launch.id)
        services.wake(launch.id)

    task = asyncio.create_task(listen(), name=f"events of launch {launch.id}")
    services.listening.add(task)
    task.add_done_callback(services.listening.discard)
