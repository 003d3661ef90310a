"""How many jobs a cluster of Dask workers asks for, of what size and for how long. Pure: values in, a value or a no out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sampan.errors import Invalid, Refused
from sampan.facts import Facts
from sampan.whereabouts import Here

__all__ = ["MOST_WORKERS", "Crew"]

MOST_WORKERS: Final = 1000
"""That are asked for at once."""
UNLIMITED: Final = timedelta(hours=1)
"""How long workers may run where neither the session nor the person sets an end."""
SHORTEST: Final = timedelta(minutes=2)
MEBIBYTES: Final = {
    "": 1024.0,
    "G": 1024.0,
    "GIB": 1024.0,
    "GB": 1e9 / 2**20,
    "M": 1.0,
    "MIB": 1.0,
    "MB": 1e6 / 2**20,
}
KIND: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
AMOUNT: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) ?([A-Za-z]{0,3})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Crew:
    """Of one cluster: `workers` jobs of one worker each, each with `cores`, `memory_mib` (MiB), `minutes` to live.

    `accelerator` is a type as the centre names it, `accelerators` how many of it each has; None and 0 where none is asked for.
    """

    workers: int
    cores: int
    memory_mib: int
    minutes: int
    accelerator: str | None = None
    accelerators: int = 0

    @classmethod
    def plan(
        cls,
        facts: Facts,
        here: Here,
        *,
        workers: int,
        cores: int,
        memory: str | float,
        hours: float | None,
        accelerator: str | None = None,
        accelerators: int | None = None,
    ) -> Crew:
        """What to submit, checked before the scheduler would say no.

        `memory` is per worker, a text with its unit or a number of GiB; of an `accelerator` it is one where nobody says how many.
        Workers end with the session at the latest: without `hours` they get what it has left. Raises Invalid (an argument is
        no amount) and Refused (the centre or the session cannot give it).
        """
        order = cls(
            workers=_workers(workers),
            cores=_count("cores", cores),
            memory_mib=_mebibytes(memory),
            minutes=_minutes(here.time_left, hours),
            **_cards(accelerator, accelerators),
        )
        if order.cores > facts.cores_max:
            raise Refused("cluster.cores", centre=facts.centre, have=facts.cores_max, want=order.cores)
        have = facts.memory_per_core_mib * order.cores
        if order.memory_mib > have:
            raise Refused(
                "cluster.memory", centre=facts.centre, have=have, want=order.memory_mib, cores=order.cores
            )
        order._check_cards(facts)
        return order

    def _check_cards(self, facts: Facts) -> None:
        if self.accelerator is None or self.accelerators <= facts.accelerators.get(self.accelerator, 0):
            return
        there = ", ".join(f"{count} × {kind}" for kind, count in sorted(facts.accelerators.items())) or "0"
        raise Refused(
            "cluster.accelerators",
            centre=facts.centre,
            want=f"{self.accelerators} × {self.accelerator}",
            have=there,
        )


def _count(field: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 10_000:
        raise Invalid("cluster.amount", field=field, example="2", value=str(value)[:40])
    return value


def _workers(value: object) -> int:
    workers = _count("workers", value)
    if workers > MOST_WORKERS:
        raise Invalid("cluster.workers", most=MOST_WORKERS, want=workers)
    return workers


def _cards(kind: object, count: object) -> dict[str, Any]:
    if kind is None and count is None:
        return {}
    if not isinstance(kind, str) or not KIND.fullmatch(kind):
        raise Invalid("cluster.amount", field="accelerator", example="dcu", value=str(kind)[:40])
    return {"accelerator": kind, "accelerators": 1 if count is None else _count("accelerators", count)}


def _mebibytes(value: object) -> int:
    match = AMOUNT.fullmatch(str(value).strip()) if isinstance(value, int | float | str) else None
    if match is not None and match[2].upper() in MEBIBYTES:
        mebibytes = int(float(match[1]) * MEBIBYTES[match[2].upper()])
        if mebibytes >= 1:
            return mebibytes
    raise Invalid("cluster.amount", field="memory", example="1 GiB", value=str(value)[:40])


def _minutes(left: timedelta | None, hours: object) -> int:
    if left is not None and left < SHORTEST:
        raise Refused("cluster.no_time")
    if hours is None:
        return int((left or UNLIMITED).total_seconds()) // 60
    if not isinstance(hours, int | float) or isinstance(hours, bool) or not 1 / 60 <= hours <= 24 * 366:
        raise Invalid("cluster.amount", field="hours", example="1.5", value=str(hours)[:40])
    minutes = int(hours * 60)
    if left is not None and timedelta(minutes=minutes) > left:
        raise Refused("cluster.hours", left=int(left.total_seconds()) // 60, want=minutes)
    return minutes
