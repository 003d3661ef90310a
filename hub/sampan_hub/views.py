"""How launches and centres look from outside: plain JSON, the same for pages, panels, commands and scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from sampan.messages import Message
from sampan.stages import SILENT, Kind, Seen, Stage, Target
from sampan_hub.capacity import NodeReading
from sampan_hub.centre import Centre
from sampan_hub.people import Person
from sampan_hub.records import Attempt, Launch, Transition, holder, need_of, rival
from sampan_hub.services import Services
from sampan_hub.watch import Watch

__all__ = [
    "centre_view",
    "cull_at",
    "ends_at",
    "histogram",
    "launch_view",
    "may_decide_at",
    "transition_view",
]


def _say(message: Message | None) -> dict[str, Any] | None:
    return None if message is None else message.to_json()


def launch_view(
    services: Services, launch: Launch, attempts: tuple[Attempt, ...], person: Person
) -> dict[str, Any]:
    """One launch with its attempts. The door is told to the hub alone: it is the proxy's target, nobody else's."""
    last, beside = holder(attempts), rival(attempts)
    if beside is not None and not (last is not None and last.live):
        # While both are stopped it may be the last to go.
        last = beside
    names = services.names(last.centre) if last else None
    ending = ends_at(services, launch, last) if last else None
    return {
        "id": launch.id,
        "owner": launch.owner,
        "kind": launch.kind,
        "name": launch.name,
        "need": launch.need.to_json(),
        "query": launch.need.to_query(),
        "target": launch.target,
        "stage": launch.stage,
        "seen": last.seen if last else Seen.UNKNOWN,
        "seen_since": last.seen_at if last else None,
        "may_decide_at": may_decide_at(services, last) if last and launch.live else None,
        "progress": launch.progress,
        "centre": last.centre if last else None,
        "names": names,
        "share": last.share if last else None,
        "node": last.node if last else None,
        "job": last.job if last else None,
        "attempts": [_attempt_view(services, attempt) for attempt in attempts],
        "message": launch.message.to_json(),
        "place": last.place if last and last.stage in (Stage.PLACED, Stage.QUEUED) else None,
        "cull_at": cull_at(services, launch, last),
        "ends_at": ending,
        # By this clock, for those whose own differs.
        "seconds_left": None if ending is None else max(0.0, ending - services.now()),
        "may_move_on": may_move_on(launch, last) and beside is None,
        "most_minutes": _most_minutes(services, last) if last else None,
        # For the page of that server alone, which nobody knows any more when it is gone.
        "end_key": services.master.end_key(launch.id) if person.server is not None else None,
        "needs_identity": _needs_identity(services, launch, last, beside),
        "door": services.doors.url(launch.id) if person.hub else None,
        "parent": launch.parent,
        "created_at": launch.created_at,
        "ended_at": launch.ended_at,
        "cause": _say(launch.cause),
        "log_tail": last.tail if last else None,
    }


def cull_at(services: Services, launch: Launch, last: Attempt | None) -> float | None:
    """When it is ended if nothing is done in it until then, in seconds since the epoch; None where nobody ends it for that.

    Only while all is known: a session that cannot be reached says nothing of what is done there.
    """
    serves = last is not None and last.stage is Stage.READY and last.seen is Seen.ALIVE
    if not serves or launch.kind != Kind.SERVER or launch.target is not Target.READY or not launch.live:
        return None
    left = services.idleness.left(launch.id)
    return None if left is None else services.now() + left


def may_decide_at(services: Services, attempt: Attempt) -> float | None:
    """From when on its person may let it go; None while its centre can say how it is."""
    if attempt.seen not in SILENT or attempt.ended_at is not None or attempt.seen_at is None:
        return None
    return attempt.seen_at + services.settings.decide_after


def may_move_on(launch: Launch, last: Attempt | None) -> bool:
    """Whether a new session can follow this one: one that serves, and that nobody has asked to end."""
    serves = last is not None and last.stage is Stage.READY and last.cancel_requested_at is None
    return serves and launch.kind == Kind.SERVER and launch.target is Target.READY and launch.live


def _most_minutes(services: Services, last: Attempt) -> int | None:
    """How long a session may be at that centre, in the share that allows most; None where its descriptor has gone."""
    centre = services.directory.centres.get(last.centre)
    return None if centre is None else round(60 * max(share.max_hours for share in centre.descriptor.shares))


def ends_at(services: Services, launch: Launch, attempt: Attempt) -> float | None:
    """When the walltime of a job that runs is over, in seconds since the epoch; as the job itself says, where it is reached."""
    if not attempt.live:
        return None
    times, link = [], services.links.get(launch.id)
    if attempt.running_at is not None:
        times.append(attempt.running_at + need_of(launch, attempt).minutes * 60)
    if link is not None:
        times.append(services.hints.by_our_clock(attempt.centre, link.greeting.deadline))
    # A broker that was away while it started has seen that late; so the earlier one is right.
    return min(times, default=None)


def _needs_identity(services: Services, launch: Launch, last: Attempt | None, beside: Attempt | None) -> bool:
    """Whether the hub should tell the identity (again): it is in memory only, and the next attempt needs it, too."""
    if beside is not None and launch.kind == Kind.SERVER and launch.live:
        return launch.id not in services.identities
    waits = launch.kind == Kind.SERVER and launch.live and launch.stage is not Stage.READY
    # A hub that came back would make a new one, and revoke the one that this server was given.
    waits = waits and not (last is not None and last.live and last.number == launch.identity_attempt)
    return waits and launch.id not in services.identities


def _attempt_view(services: Services, attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "centre": attempt.centre,
        "names": services.names(attempt.centre),
        "share": attempt.share,
        "stage": attempt.stage,
        "seen": attempt.seen,
        "job": attempt.job,
        "node": attempt.node,
        "place": attempt.place if attempt.stage is Stage.QUEUED else None,
        "rival": attempt.rival,
        "cause": _say(attempt.cause),
    }


def transition_view(step: Transition) -> dict[str, Any]:
    return {
        "at": step.at,
        "progress": step.progress,
        "stage": step.stage,
        "seen": step.seen,
        "centre": step.centre,
        "message": step.message.to_json(),
        "final": step.final,
    }


def centre_view(services: Services, centre: Centre, watch: Watch) -> dict[str, Any]:
    """A centre with what is believed of it now; figures that are out of date are not shown as free."""
    capacity = watch.fresh()
    descriptor = centre.descriptor
    if watch.seen is Seen.ALIVE:
        state = "draining" if descriptor.state == "draining" else "ok"
    else:
        state = str(watch.seen)
    return {
        "id": centre.id,
        "names": services.names(centre.id),
        "place": descriptor.place.model_dump(),
        "state": state if capacity is not None or state != "ok" else str(Seen.UNKNOWN),
        "measured_at": watch.capacity.measured_at if watch.capacity else None,
        "valid_until": watch.capacity.valid_until if watch.capacity else None,
        "age": max(0.0, services.now() - watch.capacity.measured_at) if watch.capacity else None,
        "problem": _say(watch.trouble.message if watch.trouble else None),
        "software": sorted(descriptor.environment.software),
        "shares": [_share_view(centre, share.id, watch) for share in descriptor.shares],
    }


def _share_view(centre: Centre, name: str, watch: Watch) -> dict[str, Any]:
    """A share with its histogram: how many nodes have how much free; nodes that take no new job have nothing free.

    `cores_max` is the most that one job may have, however many nodes there are; 0 where none may have any.
    """
    share, facts = centre.share(name), centre.facts.share(name)
    room = facts.room if facts is not None else None
    capacity = watch.fresh()
    nodes = [node for node in capacity.reading.nodes if share.queue in node.queues] if capacity else []
    up = [node for node in nodes if node.up]
    return {
        "id": share.id,
        "names": share.names.model_dump(),
        "max_hours": share.max_hours,
        "cores_max": room.cores if room is not None else 0,
        "cores_total": sum(node.cores for node in up) if capacity else None,
        "cores_free": sum(node.cores_free for node in up) if capacity else None,
        "accelerators": _accelerators(up),
        "pending": capacity.reading.pending.get(share.queue, 0) if capacity else None,
        "nodes": histogram(nodes),
    }


def _accelerators(nodes: Iterable[NodeReading]) -> dict[str, list[int]]:
    """Type → [total, free]."""
    sums: dict[str, list[int]] = {}
    for node in nodes:
        for kind, (total, unused) in node.accelerators.items():
            both = sums.setdefault(kind, [0, 0])
            both[0] += total
            both[1] += unused
    return sums


def histogram(nodes: Iterable[NodeReading]) -> list[dict[str, Any]]:
    """Nodes of which the same is free, counted; those that are up and have the most first."""
    bins = Counter((node.up, *_free(node)) for node in nodes)
    return [
        {
            "state": "up" if up else "down",
            "cores_free": cores,
            "memory_mib_free": memory,
            "accelerators_free": dict(cards),
            "count": count,
        }
        for (up, cores, memory, cards), count in sorted(bins.items(), reverse=True)
    ]


def _free(node: NodeReading) -> tuple[int, int, tuple[tuple[str, int], ...]]:
    if not node.up:
        return 0, 0, ()
    cards = tuple(sorted((kind, unused) for kind, (_, unused) in node.accelerators.items()))
    return node.cores_free, node.memory_mib_free, cards
