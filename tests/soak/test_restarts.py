"""Hours of restarts: parts are killed in turn while a person computes. `make soak`; SAMPAN_ROUNDS sets how many."""

from __future__ import annotations

import os
import random

from tests.ways.person import Person
from tests.ways.whole_hub import came, whole_hub

ROUNDS = int(os.environ.get("SAMPAN_ROUNDS", "40"))
PARTS = ("hub", "broker", "proxy")


async def test_a_kernel_keeps_its_variables_however_often_parts_are_killed() -> None:
    """Each round kills one part at random (the seed is printed) and asks the same kernel for what it counted so far."""
    seed = random.SystemRandom().randrange(2**32)
    print("seed", seed)
    choose = random.Random(seed)
    async with whole_hub() as hub, Person(hub, "ann") as ann:
        await ann.start(plan="light")
        await ann.ready()
        kernel = await ann.kernel()
        await kernel.run("count = 0")
        before = await ann.launch()
        for number in range(1, ROUNDS + 1):
            part = choose.choice(PARTS)
            await hub.restarted(part, hub.kill(part))
            await came(hub.answers, 60)
            assert (await kernel.run("count += 1; print(count)")).strip() == str(number), part
        after = await ann.launch()
        assert (after["id"], after["job"]) == (before["id"], before["job"])
        assert len([job for centre in hub.centres for job in hub.live_jobs(centre)]) == 1
