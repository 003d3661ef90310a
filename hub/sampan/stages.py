"""The words for what a launch wants and where an attempt stands. Trunk and leaves, rows and pages use the same ones."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

__all__ = ["LIVE", "PROGRESS", "SILENT", "Kind", "Seen", "Stage", "Target"]


class Kind(StrEnum):
    """What a launch runs. At most one live launch per (owner, kind, name)."""

    SERVER = "server"
    KERNEL = "kernel"
    CLUSTER = "cluster"


class Target(StrEnum):
    """What is wanted of a launch."""

    READY = "ready"
    STOPPED = "stopped"
    LET_GO = "let_go"
    """Stopped, and no longer waited for: its person has decided so, after a silence."""


class Stage(StrEnum):
    """What is, for an attempt. It may go back (requeued, suspended, link lost)."""

    PLACED = "placed"
    SUBMITTED = "submitted"
    QUEUED = "queued"
    RUNNING = "running"
    REACHABLE = "reachable"
    READY = "ready"
    ENDED = "ended"


class Seen(StrEnum):
    """What the last look said. An unknown answer is unknown, with an age; never ended."""

    ALIVE = "alive"
    ENDED = "ended"
    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"


SILENT: Final = frozenset({Seen.UNKNOWN, Seen.UNREACHABLE})
"""Nobody can say how it is. Its person may decide what to do about that when it lasts."""

LIVE: Final = frozenset(Stage) - {Stage.ENDED}

PROGRESS: Final[dict[Stage, int]] = {
    Stage.PLACED: 10,
    Stage.SUBMITTED: 20,
    Stage.QUEUED: 30,
    Stage.RUNNING: 55,
    Stage.REACHABLE: 80,
    Stage.READY: 100,
    Stage.ENDED: 100,
}
"""Percent shown for a stage; a second attempt never shows less than the first reached (see Launch progress)."""
