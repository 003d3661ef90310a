"""A centre accepts connections and never answers: its own bulkhead fills, and nobody else waits longer than before."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from sampan.messages import Message
from sampan.stages import Seen, Stage
from sampan_hub.bulkhead import Bulkhead
from sampan_hub.stalls import TOO_LONG
from tests.faults.broken import Broken
from tests.faults.losses import counted_at_sites
from tests.faults.measuring import codes, crowd, measured, nearly_all
from tests.sampan_hub.scripted_centre import ACCOUNT, Bench, bench

HANGS, WORKS = "east", "west"


async def test_it_fills_its_own_places_only(tmp_path: Path, broken: Broken) -> None:
    """600 people at a centre that hangs, and the questions to the other one, a start and the loop as before."""
    async with measured() as stalls, bench(tmp_path, HANGS, WORKS) as made:
        launch = await made.launch("ann")
        attempt = await made.put_ready(launch)
        hung, works = (made.services.directory.centres[name] for name in (HANGS, WORKS))
        if attempt.centre == WORKS:
            hung, works = works, hung
        site, watch = made.sites[hung.id], made.services.watches[works.id]
        made.sites[works.id].cores_free = made.sites[works.id].cores = 64

        async def start() -> None:
            started = await made.launch(f"person{time.monotonic()}")
            while (await made.row(started)).stage is not Stage.RUNNING:
                await made.step(started)
                await watch.tick()

        before = await nearly_all(watch.tick), await nearly_all(start, 5)
        # With the breaker's own clock, which a bench leaves out.
        limits = hung.descriptor.limits
        hung.bulkhead = Bulkhead(Message("text", hung.descriptor.names.model_dump()), limits)
        site.hangs.add("*")
        waiting = await crowd(hung, 600, ACCOUNT)
        assert hung.bulkhead.under_way <= limits.calls
        assert hung.bulkhead.waiting <= limits.calls_waiting
        assert sum(task.done() for task in waiting) == 600 - limits.calls_waiting - hung.bulkhead.under_way
        looking = asyncio.create_task(made.services.watches[hung.id].tick())
        # A start waits for it for a moment, once; whoever comes next does not.
        await start()
        during = await nearly_all(watch.tick), await nearly_all(start, 5)
        assert await codes(waiting) <= {"centre.busy", "centre.timeout", "centre.set_aside"}
        await looking
        assert hung.bulkhead.under_way == hung.bulkhead.waiting == 0
        assert hung.bulkhead.breaker.open
        during = max(during[0], await nearly_all(watch.tick)), max(during[1], await nearly_all(start, 5))
        # Twice, and a tenth of a second, for a machine that does other things, too.
        assert all(now < 2 * then + 0.1 for now, then in zip(during, before, strict=True)), (during, before)
        await _heard(made, hung.id, Seen.UNREACHABLE)
        await made.step(launch)
        said = (await made.row(launch)).message
        assert said.code == "launch.unreachable"
        site.hangs.clear()
        broken.mended()
        await _heard(made, hung.id, Seen.ALIVE)
        await made.step(launch)
        seconds = broken.seconds
        assert (await made.last(launch)).seen is Seen.ALIVE
        assert stalls.longest < TOO_LONG
        done = (
            "600 people at a centre that accepts connections and never answers",
            "某中心接受连接却不作答复，六百人同时访问它",
        )
        broken(done, said, await counted_at_sites(made, launch.id), seconds)


async def _heard(made: Bench, centre: str, seen: Seen) -> None:
    """Asks, as the watch does by itself, until that is what is known of the centre's jobs."""
    watch = made.services.watches[centre]
    async with asyncio.timeout(40):
        while watch.jobs.seen(ACCOUNT) is not seen:
            await watch.tick()
            await asyncio.sleep(0.1)


async def test_it_is_set_aside_and_then_asked_by_one_at_a_time(tmp_path: Path) -> None:
    """While it is, everybody is told at once, and one question in a while goes there."""
    async with bench(tmp_path, HANGS) as made:
        site, centre = made.sites[HANGS], made.services.directory.centres[HANGS]
        site.hangs.add("*")
        await asyncio.gather(*await crowd(centre, 8, ACCOUNT), return_exceptions=True)
        assert centre.bulkhead.breaker.open
        asked = len(site.asked)
        began = time.monotonic()
        several = await crowd(centre, 50, ACCOUNT)
        assert len(site.asked) == asked + 1
        assert sum(task.done() for task in several) == 49
        assert time.monotonic() - began < 3
        for task in several:
            task.cancel()
        await asyncio.gather(*several, return_exceptions=True)
