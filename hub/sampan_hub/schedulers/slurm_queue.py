"""What squeue says: our jobs, their places among all that wait, and how many wait in each queue."""

from __future__ import annotations

import zoneinfo
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from sampan.messages import Message
from sampan_hub.asks import Completed
from sampan_hub.jobs import Jobs, JobState, JobStatus
from sampan_hub.schedulers.slurm_states import Wait, state_of, wait_of
from sampan_hub.schedulers.slurm_text import MARK, array_tasks, count, marked, moment

__all__ = ["FORMAT", "jobs"]

FORMAT: Final = f"{MARK}|%A|%K|%P|%T|%Q|%V|%S|%e|%B|%r"
"""Number, array tasks, queues, state, priority, submitted, starts, ends, first node, reason. https://slurm.schedmd.com/squeue.html

No name: anybody may put anything into it, a further line included.
"""

_NOWHERE: Final = ("", "n/a", "(null)")


_Place = tuple[int, int, int]
"""Who has less is served first: the higher priority, then the older number. Last, for how many tasks it stands."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One of ours. `place`: among all that wait, where it does."""

    id: str
    queues: tuple[str, ...]
    raw: str
    submitted: str
    starts: str
    ends: str
    node: str
    wait: Wait
    place: _Place | None


def jobs(done: Completed, ids: Collection[str], zone: zoneinfo.ZoneInfo) -> Jobs:
    """The jobs of these numbers, and what waits; from one answer about everybody's jobs."""
    waiting: dict[str, list[_Place]] = defaultdict(list)
    ours: list[_Line] = []
    for job, tasks, told, state, priority, submitted, starts, ends, node, reason in marked(done, free=True):
        mine = job in ids
        # Of others only those that wait are looked at: there may be a hundred thousand.
        if not mine and state != "PENDING":
            continue
        queues, wait = tuple(told.split(",")), wait_of(reason)
        place = (-count(priority), count(job), array_tasks(tasks))
        waits = state == "PENDING" and wait.competes and place[0] < 0
        for queue in queues if waits else ():
            waiting[queue].append(place)
        if mine:
            mine_at = place if waits else None
            ours.append(_Line(job, queues, state, submitted, starts, ends, node, wait, mine_at))
    ahead = _ahead(waiting, ours)
    pending = {queue: sum(place[2] for place in places) for queue, places in waiting.items()}
    return Jobs({line.id: _status(line, ahead.get(line.id), zone) for line in ours}, pending)


def _ahead(waiting: Mapping[str, list[_Place]], ours: Collection[_Line]) -> dict[str, int]:
    """How many wait before each of ours, in the queue where it is nearest to its turn."""
    mine: dict[_Place, list[str]] = defaultdict(list)
    for line in ours:
        if line.place is not None:
            mine[line.place].append(line.id)
    places: dict[str, int] = {}
    for queue in {queue for line in ours if line.place is not None for queue in line.queues}:
        passed = 0
        for place in sorted(waiting[queue]):
            for job in mine.get(place, ()):
                places[job] = min(passed, places.get(job, passed))
            passed += place[2]
    return places


def _status(line: _Line, ahead: int | None, zone: zoneinfo.ZoneInfo) -> JobStatus:
    state = state_of(line.raw)
    submitted = moment(line.submitted, zone)
    starts = moment(line.starts, zone, after=submitted)
    waits, over = state.state is JobState.QUEUED, state.state is JobState.ENDED
    # One that never started has the moment of its end as its start.
    started = None if waits or line.node in _NOWHERE else starts
    code = state.code or (line.wait.code if waits else None)
    return JobStatus(
        line.id,
        state.state,
        line.raw,
        nodes=() if waits or over or line.node in _NOWHERE else (line.node,),
        submitted_at=submitted,
        started_at=started,
        ended_at=moment(line.ends, zone, after=started or submitted) if over else None,
        expected_start=starts if waits else None,
        ahead=ahead,
        exit_code=0 if line.raw == "COMPLETED" else None,
        why=None if code is None else Message(code),
        whole=state.whole,
        never=waits and state.code is None and line.wait.never,
    )
