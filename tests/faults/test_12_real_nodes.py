"""A real centre takes the job, and its nodes fail it: no way to the node, no room for the job's log. The next centre is tried."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from tests.faults.broken import Broken
from tests.faults.cases import Pair
from tests.faults.losses import counted
from tests.federation.centre import Centre
from tests.federation.federation import Federation
from tests.ways.person import Person
from tests.ways.whole_hub import WholeHub, came

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.federation]

LIMITS: Final = {"boot_seconds": 10, "reach_seconds": 10}


@contextmanager
def _cut(centre: Centre, _: str) -> Iterator[None]:
    for node in centre.shape.nodes:
        centre.cut_node(node)
    try:
        yield
    finally:
        for node in centre.shape.nodes:
            centre.heal_node(node)


@contextmanager
def _full(centre: Centre, account: str) -> Iterator[None]:
    """On the nodes alone: whoever submits sees nothing of it."""
    home = f"/home/{account}"
    fill = f"mount -t tmpfs -o size=64k,mode=777 none {home}; dd if=/dev/zero of={home}/full bs=1k 2>/dev/null; true"
    for node in centre.shape.nodes:
        centre.run(["sh", "-c", fill], host=node)
    try:
        yield
    finally:
        for node in centre.shape.nodes:
            centre.run(["umount", "-l", home], host=node)


WAYS: Final[dict[str, tuple[Pair, Callable[[Centre, str], object]]]] = {
    "node": (("The nodes are cut off when the job begins", "作业开始时节点失联"), _cut),
    "disk": (("The job's home is a file system that is full", "作业主目录所在文件系统已满"), _full),
}


@pytest.mark.parametrize("way", WAYS)
async def test_the_next_centre(real_hub: WholeHub, federation: Federation, broken: Broken, way: str) -> None:
    done, breaks = WAYS[way]
    offers = await real_hub.ask("POST", "/place", "dave", json={"options": {"plan": "light"}})
    centre = federation.centre(offers["ranked"][0]["centre"])
    assert centre.slurm is not None
    await _limit(real_hub, centre.name, LIMITS)
    try:
        with breaks(centre, centre.account("dave")):  # type: ignore[attr-defined]
            async with Person(real_hub, "dave") as dave:
                await dave.start(plan="light")
                launch = await dave.at("ready", deadline=90)
                seconds = broken.seconds
                first, *_, last = launch["attempts"]
                assert first["centre"] == centre.name
                assert first["cause"] is not None
                assert last["centre"] == launch["centre"] != centre.name
                cause = first["cause"]
    finally:
        await asyncio.to_thread(centre.up)
        await _limit(real_hub, centre.name, {})
    broken(done, cause, await counted(real_hub, [launch]), seconds)


async def _limit(hub: WholeHub, centre: str, limits: dict[str, int]) -> None:
    """Describes the centre anew, and waits until the broker has read it: limits are told nowhere, its place is."""
    place = hub.descriptor(centre)["place"]
    place["latitude"] += 0.01
    hub.describe(centre, limits=limits, place=place)

    async def read() -> bool:
        told = {one["id"]: one["place"]["latitude"] for one in await hub.ask("GET", "/centres")}
        return bool(told[centre] == place["latitude"])

    await came(read)


async def test_a_kernels_node_is_lost(real_hub: WholeHub, federation: Federation, broken: Broken) -> None:
    """Nothing ends while nobody knows; when its scheduler says so its person reads why, and nothing starts elsewhere."""
    wish = {"kind": "kernel", "name": "lost", "options": {"plan": "light", "centre": "east"}}
    launch = (await real_hub.ask("POST", "/launches", "dave", json=wish))["id"]

    async def at(stage: str, seen: str) -> dict[str, Any] | None:
        shown: dict[str, Any] = await real_hub.ask("GET", f"/launches/{launch}", "dave")
        return shown if (shown["stage"], shown["seen"]) == (stage, seen) else None

    ready = await came(lambda: at("ready", "alive"), 60)
    centre, node = federation.centre("east"), ready["node"]
    down = ["scontrol", "update", f"nodename={node}"]
    try:
        await asyncio.to_thread(centre.cut_node, node.partition("-")[2])
        await asyncio.sleep(3)
        assert await at("ready", "alive"), "its scheduler says that it runs"
        # Slurm says it by itself after half a minute.
        await asyncio.to_thread(centre.run, [*down, "state=down", "reason=lost"])
        broken.mended()
        ended = await came(lambda: at("ended", "ended"), 60)
        seconds = broken.seconds
    finally:
        await asyncio.to_thread(centre.heal_node, node.partition("-")[2])
        await asyncio.to_thread(centre.run, [*down, "state=resume"], check=False)
        await asyncio.to_thread(centre.up)
    assert ended["cause"]["code"] == "ended.node"
    assert len(ended["attempts"]) == 1
    done = ("The node of a running kernel is lost.", "正在运行的内核所在节点丢失。")
    broken(done, ended["cause"], await counted(real_hub, []), seconds)
