"""From the call to N connected workers, beside stock dask-jobqueue from the same notebook on the same Slurm, in turn."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from io import StringIO
from typing import Final

from tests.bench.figures import Figure, keep, measured
from tests.federation.federation import Federation
from tests.ways.person import Kernel, Person
from tests.ways.whole_hub import came, whole_hub

__all__ = ["run"]

RUNS: Final = {4: 7, 16: 5, 32: 3}
"""Workers → turns. Two nodes of eight cores have no room for the last: SAMPAN_FEDERATION_CORES=20 makes them claim more."""
CENTRE: Final = "east"

# What both need is imported before either is measured.
PREPARE: Final = """
import json, sys, time, logging, warnings, sampan, bokeh
import distributed.dashboard.scheduler, sampan.job_cluster
from dask_jobqueue import SLURMCluster
from sampan.dask_cluster import own_address
warnings.simplefilter("ignore")
def ours(n):
    return sampan.cluster(workers=n, cores=1, memory="0.25 GiB", hours=0.2)
def stock(n):
    made = SLURMCluster(
        cores=1, processes=1, memory="256 MiB", queue="work", walltime="00:12:00", log_directory="/tmp",
        python=sys.executable, scheduler_options={"host": own_address(sampan.here().node)},
    )
    made.scale(n)
    return made
def took(make, n):
    began = time.perf_counter()
    cluster = make(n)
    cluster.wait_for_workers(n, timeout=170)
    seconds = time.perf_counter() - began
    cluster.close()
    print(json.dumps(seconds))
"""


async def run() -> list[Figure]:
    federation = Federation()
    times: dict[str, dict[int, list[float]]] = {"ours": {}, "stock": {}}
    with federation.in_use(), redirect_stdout(StringIO()):
        async with whole_hub("federation") as hub, Person(hub, "alice") as alice:
            room = 2 * hub.descriptor(CENTRE)["shares"][0]["cores"] - 1
            await alice.start(cores="1", memory="3", hours="2", centre=CENTRE)
            await alice.ready()
            kernel = await alice.kernel()
            await kernel.run(PREPARE, deadline=60)
            for workers, turns in RUNS.items():
                for _ in range(turns if workers <= room else 0):
                    for who, seconds in times.items():
                        seconds.setdefault(workers, []).append(await _took(kernel, who, workers))
                        await came(lambda: _gone(federation), 60)
            await alice.stop()
            await alice.at("ended")
    figures = [figure for workers in times["ours"] for figure in _figures(workers, times)]
    keep(
        "dask", figures, runs={who: {str(n): one for n, one in found.items()} for who, found in times.items()}
    )
    return figures


async def _took(kernel: Kernel, who: str, workers: int) -> float:
    return float(json.loads(await kernel.run(f"took({who}, {workers})", deadline=180)))


async def _gone(federation: Federation) -> bool:
    """The workers of the turn before hold no cores any more."""
    return "dask" not in federation.centre(CENTRE).squeue()


def _figures(workers: int, times: dict[str, dict[int, list[float]]]) -> list[Figure]:
    peer = measured(f"{workers} Dask workers connected, stock SLURMCluster", "s", times["stock"][workers])
    ours = times["ours"][workers]
    return [
        measured(
            f"{workers} Dask workers connected",
            "s",
            ours,
            peer="SLURMCluster",
            peer_median=peer.median,
            reach="≤ ½ of SLURMCluster",
            met=sorted(ours)[len(ours) // 2] <= peer.median / 2,
        ),
        peer,
    ]
