"""What squeue says: our jobs, their places among all that wait, and how many wait in each queue."""

from __future__ import annotations

import zoneinfo
from collections import Counter, defaultdict
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


@dataclass(frozen=True, slots=True)
class _Line:
    id: str
    tasks: int
    queues: tuple[str, ...]
    raw: str
    priority: int
    submitted: str
    starts: str
    ends: str
    node: str
    wait: Wait

    @property
    def waits(self) -> bool:
        return self.raw == "PENDING" and self.wait.competes and self.priority > 0

    @property
    def rank(self) -> tuple[int, int]:
        """Who has less is served first: the higher priority, then the older number."""
        return -self.priority, int(self.id)


def jobs(done: Completed, ids: Collection[str], zone: zoneinfo.ZoneInfo) -> Jobs:
    """The jobs of these numbers, and what waits; from one answer about everybody's jobs."""
    lines = [_line(fields) for fields in marked(done, free=True)]
    waiting: dict[str, list[_Line]] = defaultdict(list)
    for line in lines:
        for queue in line.queues if line.waits else ():
            waiting[queue].append(line)
    ours = [line for line in lines if line.id in ids]
    ahead = _ahead(waiting, [line for line in ours if line.waits])
    pending = {queue: sum(line.tasks for line in some) for queue, some in waiting.items()}
    return Jobs({line.id: _status(line, ahead.get(line.id), zone) for line in ours}, pending)


def _line(fields: list[str]) -> _Line:
    job, tasks, queues, state, priority, submitted, starts, ends, node, reason = fields
    return _Line(
        str(count(job)),
        array_tasks(tasks),
        tuple(queues.split(",")),
        state,
        count(priority),
        submitted,
        starts,
        ends,
        node,
        wait_of(reason),
    )


def _ahead(waiting: Mapping[str, list[_Line]], ours: Collection[_Line]) -> dict[str, int]:
    """How many wait before each of ours, in the queue where it is nearest to its turn."""
    mine = {line.id for line in ours}
    places: dict[str, int] = {}
    for queue in {queue for line in ours for queue in line.queues}:
        before: Counter[str] = Counter()
        passed = 0
        for line in sorted(waiting[queue], key=lambda one: one.rank):
            if line.id in mine:
                before[line.id] = passed
            passed += line.tasks
        for job in before:
            places[job] = min(before[job], places.get(job, before[job]))
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
