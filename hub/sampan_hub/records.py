"""What the broker remembers, as values: launches, their attempts, and every transition with its time and cause.

Times are seconds since the epoch (UTC), by the broker's clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sampan.messages import Message
from sampan.need import Need
from sampan.stages import Kind, Seen, Stage, Target

__all__ = ["Attempt", "Launch", "Milestone", "Transition", "holder", "need_of", "rival"]

Milestone = Literal["ready", "ended"]
"""Transitions that somebody waits for: the start is over, the launch is over."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What one person asked for and may come back to.

    `stage`, `progress` and `message` are those of the last transition; `progress` never goes back. `options` is what was
    asked for, word for word; `need` what it was read as. `door_port` is the loopback port of its door.
    `crowd`: whose turn its attempts take at a centre's door (see `admission`); None: its owner's own.
    `identity_attempt` is the number of the attempt that was given the identity.
    """

    id: str
    owner: str
    kind: Kind
    name: str
    need: Need
    options: Mapping[str, Any]
    prefix: str
    target: Target
    parent: str | None
    door_port: int | None
    created_at: float
    ended_at: float | None
    cause: Message | None
    stage: Stage
    progress: int
    message: Message
    identity_attempt: int | None
    crowd: str | None = None

    @property
    def live(self) -> bool:
        return self.ended_at is None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One job of a launch at one centre. `seen` is what the last look said, and `seen_at` since when.

    `tag` is the job's name at the scheduler, `job` the scheduler's number for it once known. `submit_began_at` is
    written before the submission, so that whoever comes after a crash looks for the tag first. `report` is the
    launcher's, as accepted. `place` is its place in the centre's queue, from 1. `tail` is the end of its log. When it was
    placed, `ahead` were waiting (None: there was room), and its scheduler expected it to start after `predicted` seconds.
    `minutes` is its time limit, None where that is its launch's. A `rival` is on its way beside the holder, whose place it
    may take; only a holder ever gets the identity.
    """

    launch: str
    number: int
    centre: str
    share: str
    account: str
    tag: str
    submit_began_at: float | None
    job: str | None
    stage: Stage
    stage_at: float
    seen: Seen
    seen_at: float | None
    node: str | None
    place: int | None
    report: dict[str, Any] | None
    cause: Message | None
    tail: str | None
    created_at: float
    submitted_at: float | None
    queued_at: float | None
    running_at: float | None
    ready_at: float | None
    cancel_requested_at: float | None
    ended_at: float | None
    predicted: float | None
    ahead: int | None
    minutes: int | None
    rival: bool

    @property
    def live(self) -> bool:
        return self.ended_at is None


def holder(attempts: Sequence[Attempt]) -> Attempt | None:
    """The attempt of the day: the one that has the identity, or is the next to get it; the last such one where none lives."""
    return next((attempt for attempt in reversed(attempts) if not attempt.rival), None)


def rival(attempts: Sequence[Attempt]) -> Attempt | None:
    """The live attempt that may take the holder's place."""
    return next((attempt for attempt in attempts if attempt.rival and attempt.live), None)


def need_of(launch: Launch, attempt: Attempt) -> Need:
    """What this attempt's job asks for: its launch's need, with a time limit of its own where it has one."""
    return launch.need if attempt.minutes is None else replace(launch.need, minutes=attempt.minutes)


@dataclass(frozen=True, slots=True)
class Transition:
    """One thing that was said of a launch. `number` grows over all launches and is never used again."""

    number: int
    launch: str
    attempt: int | None
    at: float
    stage: Stage
    seen: Seen
    centre: str | None
    progress: int
    message: Message
    final: Milestone | None
