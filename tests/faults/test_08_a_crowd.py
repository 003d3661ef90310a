"""A crowd, most of it at one centre that is full: everybody has a place, the others start, one question a tick.

Compressed: a broker that is real, its centres processes of this machine, forty people in ten seconds, and launchers in place of
Jupyter. The whole crowd, 350 in five minutes, is `make bench ARGS=load`.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import httpx

from tests.faults.broken import Broken
from tests.faults.losses import counted
from tests.sampan_hub.real_broker import AwkwardPython, RealBroker, real_broker
from tests.ways.whole_hub import came

AT_ONE, ELSEWHERE = 32, 8
SECONDS = 10.0
WINDOW = 6.0


async def test_most_of_it_at_one_centre(broken: Broken) -> None:
    counting: list[AwkwardPython] = []

    def prepare(broker: RealBroker) -> None:
        broker.only("east", "west")
        counting.append(broker.awkward("east"))
        west = broker.descriptor("west")
        broker.describe(
            "west",
            scheduler={**west["scheduler"], "cores": 2 * ELSEWHERE, "memory_gib": 4 * ELSEWHERE},
            shares=[{**west["shares"][0], "cores": 2 * ELSEWHERE, "memory_per_core_gib": 2}],
        )

    async with real_broker(prepare) as broker:
        await came(lambda: _both_known(broker))
        filler = await asyncio.to_thread(broker.fill, "east")
        people = [(f"p{number:02}", "east" if number % 5 else "west") for number in range(AT_ONE + ELSEWHERE)]
        began = time.monotonic()
        crowd = await asyncio.gather(
            *(_start(broker, number, *person) for number, person in enumerate(people))
        )
        ids = [(one["id"], *person) for one, person in zip(crowd, people, strict=True)]
        there = [(launch, user) for launch, user, centre in ids if centre == "west"]
        await asyncio.gather(*(broker.at(launch, "reachable", user=user) for launch, user in there))
        elsewhere = time.monotonic() - began
        waiting = [(launch, user) for launch, user, centre in ids if centre == "east"]
        shown = await came(lambda: _all_have_a_place(broker, waiting), every=0.5)
        before, since = counting[0].asked("status"), time.monotonic()
        await asyncio.sleep(WINDOW)
        asked = counting[0].asked("status") - before
        assert 1 <= asked <= time.monotonic() - since + 1, "one question a tick, whoever waits"
        assert await _longest_stall(broker) < 1.0
        losses = await counted(broker, crowd)
        broken.mended()
        await asyncio.to_thread(broker.free, "east", filler)
        await came(lambda: _some_run(broker, waiting), 30)
        seconds = broken.seconds
        broken(
            (
                f"{AT_ONE + ELSEWHERE} people in {SECONDS:.0f} s, {AT_ONE} of them at a full centre",
                f"{SECONDS:.0f} 秒内 {AT_ONE + ELSEWHERE} 人，其中 {AT_ONE} 人等待同一个已满的中心",
            ),
            shown["message"],
            losses,
            seconds,
            on="embedded",
        )
        print(f"elsewhere all were reached after {elsewhere:.1f} s; {asked} questions in {WINDOW:.0f} s")


async def _start(broker: RealBroker, number: int, user: str, centre: str) -> dict[str, Any]:
    await asyncio.sleep(number * SECONDS / (AT_ONE + ELSEWHERE))
    # Any status but a success raises: nobody is refused.
    return await broker.create(user, cores=1, memory=0.5, centre=centre)


async def _both_known(broker: RealBroker) -> bool:
    return {one["state"] for one in await broker.ask("GET", "/centres")} == {"ok"}


async def _all_have_a_place(broker: RealBroker, waiting: list[tuple[str, str]]) -> dict[str, Any] | None:
    """Each of them another: the last one's launch."""
    shown = [await broker.show(launch, user) for launch, user in waiting]
    places = {one["place"] for one in shown if one["stage"] == "queued" and one["place"]}
    return max(shown, key=lambda one: one["place"]) if len(places) == len(waiting) else None


async def _some_run(broker: RealBroker, waiting: list[tuple[str, str]]) -> bool:
    return any([(await broker.show(*one))["stage"] in ("running", "reachable") for one in waiting])


async def _longest_stall(broker: RealBroker) -> float:
    async with httpx.AsyncClient(timeout=20) as client:
        page = (await client.get(f"http://127.0.0.1:{broker.port}/services/sampan/metrics")).text
    found = re.search(r"^sampan_loop_stall_longest_seconds (\S+)$", page, re.MULTILINE)
    assert found is not None, page[:2000]
    return float(found[1])
