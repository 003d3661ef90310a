"""From the click to the first page at a real Slurm centre, by stage, beside batchspawner on the same cluster, in turn."""

from __future__ import annotations

import tempfile
import time
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Final

from tests.bench.batch_hub import batch_hub
from tests.bench.clicks import click, gone, stages_of
from tests.bench.figures import Figure, keep, measured
from tests.federation.federation import Federation
from tests.ways.person import Person
from tests.ways.whole_hub import came, whole_hub

__all__ = ["run"]

RUNS: Final = 20
CENTRE: Final = "east"


async def run() -> list[Figure]:
    ours: list[float] = []
    peers: list[float] = []
    stages: list[dict[str, float]] = []
    federation = Federation()
    # The hubs tell their logs when they end, for a test that has failed.
    with federation.in_use(), redirect_stdout(StringIO()):
        await _turns(federation, ours, peers, stages)
    peer = measured("start at a Slurm centre, batchspawner", "s", peers)
    name = "start at a Slurm centre, click to page"
    reach = "≤ ½ of batchspawner"
    figures = [
        measured(
            name,
            "s",
            ours,
            peer="batchspawner",
            peer_median=peer.median,
            reach=reach,
            met=sorted(ours)[len(ours) // 2] <= peer.median / 2,
        ),
        peer,
        *(measured(f"  of it {stage}", "s", [one.get(stage, 0.0) for one in stages]) for stage in stages[0]),
    ]
    keep("federation", figures, runs={"sampan": ours, "batchspawner": peers, "stages": stages})
    return figures


async def _turns(
    federation: Federation, ours: list[float], peers: list[float], stages: list[dict[str, float]]
) -> None:
    east = federation.centre(CENTRE)
    with tempfile.TemporaryDirectory(prefix="batch-") as folder:
        async with (
            whole_hub("federation") as hub,
            batch_hub(Path(folder), east) as peer,
            Person(hub, "alice") as alice,
            Person(peer, east.account("bob")) as bob,
        ):
            for _ in range(RUNS):
                clicked = time.time()
                ours.append(await click(alice, centre=CENTRE))
                stages.append(await stages_of(hub, alice, clicked, clicked + ours[-1]))
                await alice.stop()
                await alice.at("ended")
                await came(lambda: gone(alice))
                peers.append(await click(bob))
                await bob.stop()
                await came(lambda: gone(bob))
