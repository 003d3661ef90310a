"""What the scheduler says of an attempt's job, and what follows from it. Only a positive answer ends anything."""

from __future__ import annotations

from sampan.messages import Message
from sampan.stages import PROGRESS, Seen, Stage
from sampan_hub.jobs import JobState, JobStatus
from sampan_hub.records import Attempt, Launch
from sampan_hub.services import Services
from sampan_hub.steps.cancelling import give_up
from sampan_hub.steps.ending import end_attempt
from sampan_hub.steps.sights import CUT, note
from sampan_hub.steps.waiting import in_queue, started

__all__ = ["look"]

_BEFORE_RUNNING = (Stage.SUBMITTED, Stage.QUEUED)


async def look(services: Services, launch: Launch, attempt: Attempt) -> tuple[float | None, bool]:
    """Applies the last answer about the job. Returns (when to look again, whether that is all for this step)."""
    if attempt.job is None:
        return 1.0, True

    def usual() -> Message:
        return _usual(services, launch, attempt)

    if attempt.centre not in services.watches:
        await note(services, launch, attempt, Seen.UNKNOWN, usual)
        return 1.0, True
    watch = services.watches[attempt.centre]
    watch.follow(attempt.job, attempt.account, busy=attempt.stage is not Stage.READY)
    status = watch.statuses.get(attempt.job)
    if watch.jobs.gone(attempt.job):
        return await end_attempt(services, launch, attempt, Message("ended.lost")), True
    sees = watch.jobs.seen(attempt.account)
    if sees not in (Seen.ALIVE, None):
        await note(services, launch, attempt, sees, usual)
        return 1.0, False
    if status is None or watch.jobs.absent.get(attempt.job):
        return 0.5, attempt.stage in _BEFORE_RUNNING
    if status.state is JobState.ENDED:
        why = status.why or Message("ended.finished")
        return await end_attempt(services, launch, attempt, why), True
    if status.state is not JobState.UNKNOWN and not attempt.rival and services.cut_off(launch.id):
        await note(services, launch, attempt, Seen.UNREACHABLE, usual, CUT)
        return 1.0, False
    seen = Seen.UNKNOWN if status.state is JobState.UNKNOWN else Seen.ALIVE
    await note(services, launch, attempt, seen, usual)
    if status.state is JobState.QUEUED and status.never and attempt.stage in _BEFORE_RUNNING:
        return await give_up(services, launch, attempt, status.why or Message("ended.broken")), True
    if status.state in (JobState.QUEUED, JobState.SUSPENDED) and attempt.stage in (
        *_BEFORE_RUNNING,
        Stage.RUNNING,
    ):
        await _queued(services, launch, attempt, status)
        return 1.0, True
    if attempt.stage is Stage.READY:
        await _paused(services, launch, attempt, paused=status.state is JobState.SUSPENDED)
    if status.state is JobState.RUNNING and attempt.stage in _BEFORE_RUNNING:
        await _running(services, launch, attempt, status)
        return 0.0, True
    return 1.0, attempt.stage in _BEFORE_RUNNING


async def _queued(services: Services, launch: Launch, attempt: Attempt, status: JobStatus) -> None:
    place = None if status.ahead is None else status.ahead + 1
    if status.why is None:
        message = in_queue(services, launch, attempt, place, status.expected_start)
    else:
        message = Message("launch.held_up", {"centre": services.say(attempt.centre), "why": status.why})
    # What is said of the launch is its holder's; of a rival nothing is said while it waits.
    same = attempt.place == place if attempt.rival else launch.message == message
    if attempt.stage is Stage.QUEUED and same:
        return
    now = services.now()
    began = {} if attempt.stage is Stage.QUEUED else {"stage_at": now, "queued_at": now}
    await services.store.step(
        launch.id,
        attempt=attempt.number,
        attempt_fields={"stage": Stage.QUEUED, "place": place, **began},
        launch_fields={"stage": Stage.QUEUED},
        message=message,
        stage=Stage.QUEUED,
        seen=Seen.ALIVE,
        progress=PROGRESS[Stage.QUEUED],
    )


async def _paused(services: Services, launch: Launch, attempt: Attempt, *, paused: bool) -> None:
    """Says of a ready session that it is paused, and that it goes on: its page would only stand still."""
    if paused == (launch.message.code == "launch.paused"):
        return
    code = "launch.paused" if paused else "launch.ready"
    message = Message(code, {"centre": services.say(attempt.centre)})
    await services.store.step(
        launch.id, attempt=attempt.number, message=message, stage=attempt.stage, seen=Seen.ALIVE
    )


async def _running(services: Services, launch: Launch, attempt: Attempt, status: JobStatus) -> None:
    now = services.now()
    node = status.nodes[0] if status.nodes else ""
    await services.store.step(
        launch.id,
        attempt=attempt.number,
        attempt_fields={
            "stage": Stage.RUNNING,
            "stage_at": now,
            "running_at": now,
            "node": node,
            "place": None,
        },
        launch_fields={"stage": Stage.RUNNING},
        message=Message("launch.running", {"centre": services.say(attempt.centre), "node": node or "?"}),
        stage=Stage.RUNNING,
        seen=Seen.ALIVE,
        progress=PROGRESS[Stage.RUNNING],
    )
    await started(services, launch, attempt, status)


def _usual(services: Services, launch: Launch, attempt: Attempt) -> Message:
    """What is said of an attempt in this stage when all is well."""
    centre = services.say(attempt.centre)
    if attempt.stage is Stage.QUEUED:
        return in_queue(services, launch, attempt, attempt.place)
    if attempt.stage is Stage.RUNNING:
        return Message("launch.running", {"centre": centre, "node": attempt.node or "?"})
    if attempt.stage in (Stage.REACHABLE, Stage.READY):
        return Message(f"launch.{attempt.stage}", {"centre": centre})
    return Message("launch.submitted", {"centre": centre, "job": attempt.job or "?"})
