"""How a share looks from outside: how many of its nodes have how much free."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sampan_hub.capacity import NodeReading
from sampan_hub.views import histogram

NODE = NodeReading("n1", 8, 8, 8192, 8192, ("main",))


def line(count: int, cores: int, memory: int, *, state: str = "up", **cards: int) -> dict[str, Any]:
    return {
        "state": state,
        "cores_free": cores,
        "memory_mib_free": memory,
        "accelerators_free": cards,
        "count": count,
    }


def test_nodes_of_which_the_same_is_free_are_counted_together() -> None:
    """Each card is told where it is free: two nodes with one card each are not one node with two."""
    nodes = (
        NODE,
        replace(NODE, name="n2"),
        replace(NODE, name="n3", cores_free=2, accelerators={"dcu": (2, 1)}),
        replace(NODE, name="n4", cores_free=2, accelerators={"dcu": (2, 1)}),
        replace(NODE, name="n5", cores_free=2, accelerators={"dcu": (2, 2)}),
    )
    assert histogram(nodes) == [
        line(2, 8, 8192),
        line(1, 2, 8192, dcu=2),
        line(2, 2, 8192, dcu=1),
    ]


def test_nodes_that_take_no_job_have_nothing_free() -> None:
    nodes = (replace(NODE, up=False), replace(NODE, name="n2", up=False, cores_free=3), NODE)
    assert histogram(nodes) == [line(1, 8, 8192), line(2, 0, 0, state="down")]
