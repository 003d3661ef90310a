"""The server dies and its job lives, the job dies and the hub lists its server, the Dask scheduler dies and fifty workers live."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sampan_hub.sweep import sweep
from tests.faults.broken import Broken
from tests.faults.losses import counted, counted_at_sites
from tests.sampan_hub.scripted_centre import ACCOUNT, Bench, ScriptedJob, bench
from tests.sampan_hub.scripted_site import Site
from tests.ways.person import Person
from tests.ways.processes import server_of
from tests.ways.whole_hub import WholeHub, came

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _unlisted(person: Person) -> bool:
    """Neither the hub nor the broker knows of a server of this person's that runs."""
    return not await person.server() and not await person.launch()


async def test_the_server_dies(hub: WholeHub, broken: Broken) -> None:
    """Killed in its job: it is started again there, as the same launch, and its person is told; a kernel elsewhere goes on."""
    async with Person(hub, "gus") as gus:
        await gus.start(plan="light")
        await gus.ready()
        await gus.kernel()
        before = await gus.launch()
        server = await server_of(hub, before["id"])
        child = await _kernel_of(hub, before["id"])
        os.kill(server, signal.SIGKILL)
        broken.mended()

        async def said(code: str) -> bool:
            return bool((await gus.launch())["message"]["code"] == code)

        await came(lambda: said("launch.server_again"))
        await came(lambda: said("launch.server_back"), 40)
        seconds = broken.seconds
        after = await gus.launch()
        assert (after["id"], after["job"], after["stage"]) == (before["id"], before["job"], "ready")
        assert await server_of(hub, after["id"], other_than=server) != server
        assert (await (await gus.kernel()).run("print(6 * 7)")).strip() == "42"
        still = await hub.ask("GET", f"/launches/{child['id']}", "gus")
        assert (still["stage"], still["job"]) == ("ready", child["job"])
        done = (
            "The server is killed (-9) in its job, which lives.",
            "服务器在作业中被杀死（-9），作业仍在。",
        )
        broken(done, after["message"], await counted(hub, [after]), seconds)
        await gus.stop()
        await came(lambda: _unlisted(gus), 40)


async def _kernel_of(hub: WholeHub, session: str) -> dict[str, Any]:
    wish = {"kind": "kernel", "name": "elsewhere", "parent": session, "options": {"plan": "light"}}
    launch = (await hub.ask("POST", "/launches", "gus", json=wish))["id"]

    async def ready() -> dict[str, Any] | None:
        shown: dict[str, Any] = await hub.ask("GET", f"/launches/{launch}", "gus")
        return shown if shown["stage"] == "ready" else None

    found: dict[str, Any] = await came(ready)
    return found


async def test_the_job_dies(hub: WholeHub, broken: Broken) -> None:
    """Its whole tree at once, while the broker is stopped: nobody is left to tell."""
    async with Person(hub, "hal") as hal:
        await hal.start(plan="light")
        await hal.ready()
        before = await hal.launch()
        await hal.kernel()
        server = await server_of(hub, before["id"])
        broker = hub.pid("broker")
        os.kill(broker, signal.SIGSTOP)
        [*_, launcher] = tree = _up_to_the_launcher(server)
        _kill(_parent(launcher), *reversed(tree))
        assert (await hal.server())["ready"], "nobody has told the hub"
        os.kill(broker, signal.SIGCONT)
        broken.mended()
        after = await hal.at("ended")
        await came(lambda: _unlisted(hal), 40)
        done = (
            "The whole job is killed while the broker is stopped; the hub still lists its server.",
            "调度代理暂停时整个作业被杀死；平台仍列出其服务器。",
        )
        assert after["id"] == before["id"]
        broken(done, after["message"], await counted(hub), broken.seconds)


def _up_to_the_launcher(pid: int) -> list[int]:
    """This process and those that it came from: a template, where it is a fork of one, and the launcher as the last."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return [pid] if b"sampan_kernels.launcher" in words else [pid, *_up_to_the_launcher(_parent(pid))]


def _kill(*pids: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # it went with the one before
            os.kill(pid, signal.SIGKILL)


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])


@pytest.mark.federation
async def test_the_job_is_cancelled_at_a_real_centre(real_hub: WholeHub, broken: Broken) -> None:
    """By an operator there, while the broker is stopped and the hub lists its server."""
    hub = real_hub
    async with Person(hub, "ann") as ann:
        await ann.start(plan="light")
        await ann.ready(deadline=90)
        before = await ann.launch()
        broker = hub.pid("broker")
        os.kill(broker, signal.SIGSTOP)
        await asyncio.to_thread(hub.free, before["centre"], before["job"])
        assert (await ann.server())["ready"], "nobody has told the hub"
        os.kill(broker, signal.SIGCONT)
        broken.mended()
        after = await ann.at("ended")
        await came(lambda: _unlisted(ann), 40)
        seconds = broken.seconds
        assert after["id"] == before["id"]
        done = (
            "An operator cancels the job while the broker is stopped; the hub still lists its server.",
            "调度代理暂停时，中心管理员取消了作业；平台仍列出其服务器。",
        )
        broken(done, after["message"], await counted(hub), seconds)


WORKERS = """
import sampan
cluster = sampan.cluster(workers=2, cores=1, memory="512 MiB")
cluster.get_client().wait_for_workers(2, timeout=60)
"""


async def test_the_dask_scheduler_dies(hub: WholeHub, broken: Broken) -> None:
    """It lives in the kernel; server, launcher and kernel are gone at once, and the workers' jobs are left."""
    async with Person(hub, "ida") as ida:
        await ida.start(centre="lake", cores="1", memory="1")
        await ida.ready()
        kernel = await ida.kernel()
        await kernel.run(WORKERS, deadline=90)
        server = await server_of(hub, (await ida.launch())["id"])
        assert len(hub.live_jobs("lake")) == 3
        _kill(*reversed(_up_to_the_launcher(server)))
        broken.mended()
        after = await ida.at("ended")
        await came(lambda: _no_job(hub, "lake"), 60)
        done = (
            "The session with a Dask scheduler is killed, its workers' jobs are left.",
            "带有 Dask 调度器的会话被杀死，其工作进程的作业遗留下来。",
        )
        broken(done, after["message"], await counted(hub), broken.seconds)


async def _no_job(hub: WholeHub, centre: str) -> bool:
    return not await asyncio.to_thread(hub.live_jobs, centre)


# --- fifty, and what is not ours among them


@pytest_asyncio.fixture(loop_scope="session")
async def one(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, "east") as made:
        yield made


def _add(site: Site, tag: str, account: str = ACCOUNT, age: float = 0.0) -> str:
    number = str(100 + len(site.jobs))
    site.jobs[number] = ScriptedJob(number, tag, account, submitted_at=time.time() - age)
    return number


async def test_fifty_workers_are_left(one: Bench, broken: Broken) -> None:
    """All of them go, and nothing that another person, another hub or anybody else has called alike."""
    launch = await one.launch()
    attempt = await one.put_ready(launch)
    site = one.sites["east"]
    workers = {_add(site, f"{attempt.tag}-dask-{number:02}") for number in range(50)}
    foreign = {
        _add(site, f"{attempt.tag}-dask-00", "mallory"),
        _add(site, f"{attempt.tag}0-dask-00"),
        _add(site, attempt.tag.replace("test1", "test2") + "-dask-00"),
        _add(site, f"{attempt.tag}-dask-00", age=7200.0),
        _add(site, "my-own-job"),
    }
    other = await one.launch("bob")
    theirs = await one.put_ready(other)
    foreign |= {_add(site, f"{theirs.tag}-dask-{number:02}") for number in range(3)}
    assert await sweep(one.services, "east") == 0
    # The scheduler of the batch system says that the session is over.
    del site.jobs[str(attempt.job)]
    site.records[str(attempt.job)] = ScriptedJob(str(attempt.job), attempt.tag, ACCOUNT)
    await one.store.update_attempt(launch.id, 1, stage="ended", seen="ended", ended_at=time.time())
    await one.store.update_launch(launch.id, stage="ended", ended_at=time.time())
    assert await sweep(one.services, "east") == 50
    assert set(site.cancelled) == workers
    assert {job.id for job in site.live} == {*foreign, str(theirs.job)}
    assert await sweep(one.services, "east") == 0
    for number in foreign:
        site.jobs.pop(number)
    done = (
        "A session with fifty Dask workers is gone; jobs of others are called alike.",
        "带有五十个 Dask 工作进程的会话消失；他人的作业名称相似。",
    )
    saw = ("Nothing: the fifty jobs end by themselves.", "什么也没有：五十个作业自行结束。")
    broken(done, saw, await counted_at_sites(one, other.id))
