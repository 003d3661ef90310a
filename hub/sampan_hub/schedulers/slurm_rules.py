"""What scontrol says of queues: which quality of service each imposes on its jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sampan_hub.asks import Completed
from sampan_hub.rules import Rules
from sampan_hub.schedulers.slurm_text import not_an_answer

__all__ = ["QUESTIONS", "rules"]

QUESTIONS: Final = "show partition\n"
"""Standard input for `scontrol`, which answers each line. https://slurm.schedmd.com/scontrol.html"""
_NONE: Final = frozenset({"", "N/A", "(null)"})


def rules(done: Completed) -> Rules:
    """Of all queues that whoever asked may see."""
    queues = list(_records(done, "PartitionName"))
    if done.status != 0 or not queues:
        raise not_an_answer(done)
    return Rules({one["PartitionName"]: qos for one in queues if (qos := one.get("QoS", "")) not in _NONE})


def _records(done: Completed, first: str) -> Iterator[Mapping[str, str]]:
    """The lines that begin with that field, each as its fields by name."""
    for line in done.stdout.split("\n"):
        if line.startswith(f"{first}="):
            pairs = (word.partition("=") for word in line.split())
            yield {name: value for name, equals, value in pairs if equals}
