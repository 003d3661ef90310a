"""What scontrol says of queues and of reservations: what each queue imposes on its jobs, and which nodes are closed when."""

from __future__ import annotations

import zoneinfo
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from sampan_hub.asks import Completed
from sampan_hub.rules import Closure, Rules
from sampan_hub.schedulers.slurm_text import moment, node_names, not_an_answer

__all__ = ["QUESTIONS", "rules"]

QUESTIONS: Final = "show partition\nshow reservation\n"
"""Standard input for `scontrol`, which answers each line. https://slurm.schedmd.com/scontrol.html"""
_NONE: Final = frozenset({"", "N/A", "(null)"})
_NO_RESERVATIONS: Final = "No reservations in the system"


def rules(done: Completed, zone: zoneinfo.ZoneInfo, ours: Collection[str]) -> Rules:
    """Of all queues and reservations that whoever asked may see. `ours`: reservations that jobs of ours go into."""
    queues, reservations = (list(_records(done, first)) for first in ("PartitionName", "ReservationName"))
    if done.status != 0 or not queues or not (reservations or _NO_RESERVATIONS in done.stdout):
        raise not_an_answer(done)
    qualities = {one["PartitionName"]: qos for one in queues if (qos := one.get("QoS", "")) not in _NONE}
    closures = (_closure(one, zone) for one in reservations if one["ReservationName"] not in ours)
    return Rules(qualities, tuple(closure for closure in closures if closure is not None))


def _closure(reservation: Mapping[str, str], zone: zoneinfo.ZoneInfo) -> Closure | None:
    """One to come, whoever it is for: Slurm starts no job that would last into it. Of one that is in force sinfo tells.

    Where it takes a part of a node only, the node counts as closed all the same: less is said to be free than there is.
    """
    nodes = node_names(reservation.get("Nodes", ""))
    starts = moment(reservation.get("StartTime", ""), zone)
    ends = moment(reservation.get("EndTime", ""), zone, after=starts)
    if not nodes or starts is None or ends is None or reservation.get("State") == "ACTIVE":
        return None
    return Closure(nodes, starts, ends)


def _records(done: Completed, first: str) -> Iterator[Mapping[str, str]]:
    """The lines that begin with that field, each as its fields by name."""
    for line in done.stdout.split("\n"):
        if line.startswith(f"{first}="):
            pairs = (word.partition("=") for word in line.split())
            yield {name: value for name, equals, value in pairs if equals}
