"""What sinfo says: each node once, with what is free on it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sampan_hub.asks import Completed
from sampan_hub.capacity import NodeReading, Reading
from sampan_hub.schedulers.slurm_states import node_gives
from sampan_hub.schedulers.slurm_text import cards, count, not_an_answer, rows

__all__ = ["FORMAT", "reading"]

_FIELDS: Final = (
    *("NodeList", "PartitionName", "Available", "StateComplete", "CPUsState"),
    *("Memory", "AllocMem", "Gres", "GresUsed"),
)
FORMAT: Final = ",".join(f"{field}:0|" for field in _FIELDS).removesuffix("|")
"""Of width 0, which pads and cuts nothing. https://slurm.schedmd.com/sinfo.html"""
_NOT_COUNTED: Final = 1
"""RealMemory where slurm.conf gives none: such a cluster does not count memory. https://slurm.schedmd.com/slurm.conf.html"""
_PLENTY: Final = 1 << 30


def reading(done: Completed, kinds: Collection[str]) -> Reading:
    """The nodes of our queues. What waits is told with the jobs."""
    nodes: dict[str, NodeReading] = {}
    queues: dict[str, list[str]] = {}
    for name, queue, available, state, cpus, memory, allocated, gres, used in rows(done, "NODELIST"):
        if not name or "[" in name:
            raise not_an_answer(done, f"{name[:60]!r} is no node")
        # A queue that is down or drained gives none of its nodes to anybody.
        queues.setdefault(name, []).extend([queue] if available == "up" else [])
        if name not in nodes:
            nodes[name] = _node(name, state, cpus, (memory, allocated), (gres, used), kinds)
    return Reading(tuple(_in(node, queues[name]) for name, node in nodes.items()))


def _in(node: NodeReading, queues: list[str]) -> NodeReading:
    return NodeReading(
        node.name,
        node.cores,
        node.cores_free,
        node.memory_mib,
        node.memory_mib_free,
        tuple(dict.fromkeys(queues)),
        node.accelerators,
        node.up,
    )


def _node(
    name: str,
    state: str,
    cpus: str,
    memory: tuple[str, str],
    gres: tuple[str, str],
    kinds: Collection[str],
) -> NodeReading:
    gives = node_gives(state)
    _, idle, _, total = (count(part) for part in cpus.split("/"))
    all_memory, allocated = (count(part) for part in memory)
    if all_memory <= _NOT_COUNTED:
        # The share's own limit is the one that there is.
        all_memory, allocated = _PLENTY, 0
    have, used = (cards(text, kinds) for text in gres)
    free = 0 if gives.promised else 1
    return NodeReading(
        name,
        total,
        min(idle, total) * free,
        all_memory,
        max(0, all_memory - allocated) * free,
        (),
        {kind: (n, max(0, n - used.get(kind, 0)) * free) for kind, n in have.items()},
        gives.up,
    )
