"""The same cells at every centre: workers where the notebook runs, on its nodes, and right results whatever is lost."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from tests.federation.federation import Federation
from tests.sampan.same_cells import COMPUTE, alone
from tests.ways.person import Kernel, Person
from tests.ways.whole_hub import WholeHub, came, whole_hub

pytestmark = [pytest.mark.federation, pytest.mark.asyncio(loop_scope="module")]

OPEN = """
import json, os, signal, socket, sampan
from distributed import Client
cluster = sampan.cluster(workers={workers}, cores={cores}, memory="0.5 GiB", hours={hours}, {more})
client = Client(cluster)
client.wait_for_workers({ready}, timeout=80)
def where():
    return socket.gethostname(), os.environ.get("SLURM_CLUSTER_NAME"), os.environ.get("SLURM_ARRAY_JOB_ID")
print(json.dumps(sorted(client.run(where).values())))
"""
SUBMIT = COMPUTE + "future = client.compute(graph)"
RESULT = "print(future.result(timeout=110))"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(federation: Federation) -> AsyncIterator[WholeHub]:
    async with whole_hub("federation") as running:
        yield running


@asynccontextmanager
async def notebook(hub: WholeHub, person: str, centre: str, **options: str) -> AsyncIterator[Kernel]:
    async with Person(hub, person) as who:
        await who.start(memory="2", hours="1", centre=centre, **options)
        await who.ready()
        yield await who.kernel()
        await who.stop()
        await came(lambda: _jobs(hub, centre, 0), 60)


async def _jobs(hub: WholeHub, centre: str, count: int, of: str = "sampan-") -> bool:
    jobs = await asyncio.to_thread(hub.live_jobs, centre)
    return len([job for job in jobs if of in job["tag"]]) == count


async def open_at(
    kernel: Kernel, workers: int = 2, cores: int = 1, ready: int = 2, hours: str = "0.5", more: str = ""
) -> Any:
    code = OPEN.format(workers=workers, cores=cores, ready=ready, hours=hours, more=more)
    return json.loads(await kernel.run(code, deadline=90))


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_the_same_cells_at_every_centre(hub: WholeHub, federation: Federation) -> None:
    """Four sessions with two workers each, two at a time: each imports Dask on two shared cores, and waits in between."""
    digests, places = {}, asyncio.Semaphore(2)

    async def computed(person: str, centre: str) -> None:
        async with places:
            digests[centre] = await _cells(hub, federation, person, centre)

    async with asyncio.TaskGroup() as group:
        for person, centre in (("alice", "east"), ("bob", "core"), ("carol", "west"), ("dave", "cloud")):
            group.create_task(computed(person, centre))
    # The embedded default has its own in tests/sampan/test_job_cluster.py.
    assert set(digests.values()) == {alone(12)}, digests
    assert len(digests) == 4


async def _cells(hub: WholeHub, federation: Federation, person: str, centre: str) -> str:
    # Six of a node's eight cores are the session's: a second worker with two has to go to another node.
    cores, each = ("1", 1) if centre == "cloud" else ("6", 2)
    more = 'accelerator="dcu", accelerators=2' if centre == "core" else ""
    async with notebook(hub, person, centre, cores=cores) as kernel:
        told = await open_at(kernel, cores=each, more=more)
        if centre == "cloud":
            assert told == [["cloud-login", None, None]] * 2
        else:
            assert [worker[:2] for worker in told] == [[f"{centre}-{node}", centre] for node in ("n1", "n2")]
            assert len({worker[2] for worker in told}) == 1, "one submission"
        if centre == "core":
            await _with_cards(kernel, federation)
        await kernel.run(SUBMIT.format(pause=0, parts=12))
        digest = (await kernel.run(RESULT)).strip()
        await kernel.run("client.close(); cluster.close()")
        await came(lambda: _jobs(hub, centre, 0, "-dask-"), 30)
        return digest


async def _with_cards(kernel: Kernel, federation: Federation) -> None:
    """The session has the one that its queue demands, each worker two; more than a node has is refused before Slurm is asked."""
    argv = ["squeue", "-a", "-h", "--array", "--states=RUNNING", "-o", "%j %b"]
    asked = (await asyncio.to_thread(federation.centre("core").run, argv)).stdout.splitlines()
    cards = sorted(("dask" in line, line.rpartition(":")[2]) for line in asked if "dcu" in line)
    assert cards == [(False, "1"), (True, "2"), (True, "2")], asked
    too_many = "try:\n    sampan.cluster(accelerator='dcu', accelerators=5)\nexcept Exception as error:\n    print(error.code)"
    assert (await kernel.run(too_many)).strip() == "cluster.accelerators"


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_whatever_is_lost(hub: WholeHub, federation: Federation) -> None:
    """Three centres at the same time: most of each is waiting, for TCP's patience, for a walltime, for sixty seconds."""
    async with asyncio.TaskGroup() as losing:
        losing.create_task(_what_is_lost_is_computed_again_and_replaced(hub, federation))
        losing.create_task(_workers_at_their_end_are_replaced(hub))
        losing.create_task(_nothing_is_left_of_a_killed_kernel(hub))


async def _what_is_lost_is_computed_again_and_replaced(hub: WholeHub, federation: Federation) -> None:
    """A worker's node is cut off: TCP's own patience is most of this. Then a step daemon is killed under its worker."""
    east = federation.centre("east")
    async with notebook(hub, "bob", "east", cores="6") as kernel:
        await open_at(kernel, cores=2)
        for lose in ("node", "stepd"):
            await kernel.run(SUBMIT.format(pause=1, parts=12))
            await asyncio.sleep(2)
            if lose == "node":
                await asyncio.to_thread(east.cut_node, "n2")
            else:
                assert await asyncio.to_thread(east.hosts["n2"].signal, "slurmstepd", signal.SIGKILL)
            digest = (await kernel.run(RESULT, deadline=120)).strip()
            assert digest == alone(12), lose
            if lose == "node":
                await asyncio.to_thread(east.heal_node, "n2")
            await kernel.run("client.wait_for_workers(2, timeout=110)", deadline=120)


async def _workers_at_their_end_are_replaced(hub: WholeHub) -> None:
    """A walltime of a minute, half of which is for leaving."""
    async with notebook(hub, "carol", "west", cores="1") as kernel:
        before = await open_at(kernel, hours="1/60")
        assert len(before) == 2
        ask = "print(json.dumps(sorted(worker['id'] for worker in client.scheduler_info()['workers'].values())))"
        jobs = "print(json.dumps(sorted({job.job_id for job in cluster.workers.values()})))"
        first = json.loads(await kernel.run(jobs))

        async def others() -> bool:
            now = json.loads(await kernel.run(jobs))
            return len(now) == 2 and not set(now) & set(first)

        await came(others, 90)
        await kernel.run("client.wait_for_workers(2, timeout=60)", deadline=70)
        assert len(json.loads(await kernel.run(ask))) == 2


async def _nothing_is_left_of_a_killed_kernel(hub: WholeHub) -> None:
    """Sixty seconds are promised; workers that run and workers that wait."""
    async with notebook(hub, "dave", "core", cores="6") as kernel:
        # More than there is room for: the rest waits in the queue.
        await open_at(kernel, workers=12, cores=2, ready=2)
        await kernel.run(
            "import threading; threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGKILL)).start()"
        )
        began = time.monotonic()
        await came(lambda: _jobs(hub, "core", 0, "-dask-"), 60)
        assert time.monotonic() - began <= 60
