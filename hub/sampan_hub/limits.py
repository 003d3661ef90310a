"""What a scheduler allows one person, whatever the queues allow everybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Limit"]


@dataclass(frozen=True, slots=True)
class Limit:
    """What a person may have under one of the scheduler's project accounts; None: no limit.

    `queue` None: in every queue; `account` None: the scheduler knows no such thing. `minutes`, `cores`, `memory_mib` (MiB) and
    `accelerators` (type → count; a type not named has no limit) are the most that one job can ever have: what is allowed
    one job, and what is allowed all of them together. `jobs`: how many may run at one time; `submitted`: run and wait.
    """

    queue: str | None = None
    account: str | None = None
    minutes: int | None = None
    cores: int | None = None
    memory_mib: int | None = None
    accelerators: Mapping[str, int] = field(default_factory=dict)
    jobs: int | None = None
    submitted: int | None = None
