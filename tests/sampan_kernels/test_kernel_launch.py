"""A kernel in a job: its keys, its sockets and no others, interrupted, restarted where it is, ended with its job."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from jupyter_client.asynchronous.client import AsyncKernelClient

from sampan.errors import Refused, SampanError, Unavailable
from sampan_hub.kernel_sockets import SOCKETS
from sampan_hub.link import Link
from tests.launched import ROOT, Launched, launched
from tests.waiting import until


@asynccontextmanager
async def kernel(**environment: str) -> AsyncIterator[tuple[Launched, Link]]:
    async with launched(**environment) as job:
        link = await job.link()
        await link.start("kernel", "/", {})
        await ready(link)
        yield job, link
        await link.close()


async def ready(link: Link) -> None:
    async with asyncio.timeout(30):
        while not (await link.status()).ready:  # noqa: ASYNC110 (it asks another process)
            await asyncio.sleep(0.05)


@asynccontextmanager
async def client(link: Link) -> AsyncIterator[AsyncKernelClient]:
    """A client that is on the node by chance; the way over the link carries the same bytes."""
    keys = await link.keys()
    ports = {f"{name}_port": number for number, name in enumerate(SOCKETS, 1)}
    made = AsyncKernelClient()
    told: Any = {"transport": "ipc", "ip": f"{link.greeting.sockets}/run/kernel", **ports, **keys}
    made.load_connection_info(told)
    made.start_channels()
    await made.wait_for_ready(timeout=30)
    yield made
    made.stop_channels()


async def run(kernel: AsyncKernelClient, code: str, begun: asyncio.Event | None = None) -> str:
    """What it printed, or the name of its error; `begun` is set when it says something."""
    said: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        content = message["content"]
        said.append(content.get("text") or content.get("ename") or "")
        if begun is not None and content.get("text"):
            begun.set()

    await kernel.execute_interactive(code, timeout=30, output_hook=hear)
    return "".join(said).strip()


async def test_runs_code_for_whoever_has_the_keys() -> None:
    async with kernel() as (job, link), client(link) as person:
        assert await run(person, "import os; print(os.environ['SAMPAN_CENTRE'], os.getppid())") == (
            f"alpha {job.process.pid}"
        )
        assert (await link.status()).running


async def test_nobody_is_answered_without_the_keys() -> None:
    import zmq

    async with kernel() as (_, link):
        context = zmq.Context()
        heart = context.socket(zmq.REQ)
        heart.linger = 0
        heart.connect(f"ipc://{link.greeting.sockets}/{SOCKETS['hb']}")
        heart.send(b"ping")
        assert await asyncio.to_thread(heart.poll, 500) == 0
        context.destroy()


async def test_keys_are_in_the_private_folder_and_nowhere_else() -> None:
    async with kernel() as (job, link):
        keys = await link.keys()
        secret = [keys[name].encode() for name in ("key", "curve_secretkey")]
        private = Path(link.greeting.sockets)
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        assert stat.S_IMODE((private / "run" / "kernel.json").stat().st_mode) == 0o600
        pid = (await link.status()).pid
        told = [
            Path(f"/proc/{one}/{file}") for one in (pid, job.process.pid) for file in ("cmdline", "environ")
        ]
        told += [path for path in job.directory.parents[2].rglob("*") if path.is_file()]
        assert [path for path in told if any(one in path.read_bytes() for one in secret)] == []


async def test_the_sockets_of_its_kind_are_opened_and_no_others() -> None:
    async with kernel() as (_, link):
        for name in SOCKETS:
            _, writer = await link.open_kernel(name)
            writer.close()
        with pytest.raises(Unavailable):
            await link.open_server()
        for place in (
            "run/kernel.json",
            "run/kernel-6",
            "hub.sock",
            "../../etc/passwd",
            "run/../run/kernel-1",
        ):
            with pytest.raises(asyncssh.ChannelOpenError):
                await link._connection.open_unix_connection(f"{link.greeting.sockets}/{place}")


async def test_a_server_opens_no_socket_of_a_kernel() -> None:
    async with launched() as job:
        link = await job.link()
        await link.start("server", "/user/alice/", {})
        # Its own kernels lie in the same folder, and are reached through it alone.
        with pytest.raises(Unavailable):
            await link.open_kernel("shell")
        with pytest.raises(Refused):
            await link.keys()
        with pytest.raises(Refused):
            await link.restart()
        await link.close()


async def test_an_interrupt_reaches_the_cell_and_its_commands() -> None:
    async with kernel() as (_, link), client(link) as person:
        for code in (
            "!echo begun; sleep 60; echo late",
            "import time; print('begun'); time.sleep(60); print('late')",
        ):
            begun = asyncio.Event()
            cell = asyncio.create_task(run(person, code, begun))
            await asyncio.wait_for(begun.wait(), 20)
            await link.signal("INT")
            assert "late" not in await asyncio.wait_for(cell, 20)


async def test_a_restart_keeps_the_job_and_the_keys() -> None:
    async with kernel() as (job, link):
        keys, before = await link.keys(), await link.status()
        async with client(link) as person:
            await run(person, "x = 1")
            after = await link.restart()
            assert after.pid != before.pid
            await ready(link)
            await person.wait_for_ready(timeout=30)
            assert await run(person, "x") == "NameError"
        assert await link.keys() == keys
        assert job.process.returncode is None


async def test_a_restart_is_a_fork_and_a_killed_template_costs_nothing_else() -> None:
    async with kernel(SAMPAN_KIND="kernel") as (job, link):
        before = await link.status()
        template = parent(before.pid)
        assert parent(template) == job.process.pid
        async with client(link) as person:
            await run(person, "x = 1")
            await link.restart()
            await ready(link)
            await person.wait_for_ready(timeout=30)
            assert await run(person, "import os; print(os.getppid())") == str(template)
            os.kill(template, signal.SIGKILL)
            # An orphan now, and the launcher's.
            alive = await link.status()
            await until(lambda: parent(alive.pid) == job.process.pid)
            assert await run(person, "print(6 * 7)") == "42"
            await link.signal("KILL")
            await until(lambda: job.log.count("the child ended") == 2)
            assert (await link.status()).exit == -signal.SIGKILL
            await link.restart()
            await ready(link)
            await person.wait_for_ready(timeout=30)
            assert await run(person, "x") == "NameError"


async def test_a_killed_launcher_takes_all_of_it_along() -> None:
    async with kernel(SAMPAN_KIND="kernel") as (job, link):
        pid = (await link.status()).pid
        assert pid
        all_of_it = [os.pidfd_open(one) for one in (pid, parent(pid))]
        job.process.kill()
        await until(lambda: select.select(all_of_it, [], [], 0)[0] == all_of_it)
        for handle in all_of_it:
            os.close(handle)


async def test_one_that_was_killed_is_restarted_or_its_job_ends() -> None:
    async with kernel(SAMPAN_DESERTED="2") as (job, link):
        await link.signal("KILL")
        await until(lambda: "the child ended" in job.log)
        assert (await link.status()).exit == -signal.SIGKILL
        await link.restart()
        await ready(link)
        await asyncio.sleep(2.2)
        assert (await link.status()).running, "the first one's end is forgotten"
        await link.signal("KILL")
        assert await job.ended() == 128 + signal.SIGKILL


async def test_one_that_never_answers_ends_its_job_at_once(tmp_path: Path) -> None:
    broken = tmp_path / "ipykernel"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise ImportError('broken here')")
    path = os.pathsep.join((str(tmp_path), *(str(ROOT / place) for place in ("hub", "kernels"))))
    async with launched(PYTHONPATH=path) as job:
        link = await job.link()
        await link.start("kernel", "/", {})
        assert await job.ended() == 1
        assert "broken here" in job.log


async def test_ends_with_its_launcher() -> None:
    async with kernel() as (job, link):
        pid = (await link.status()).pid
        job.process.kill()
        # ipykernel looks for its parent once a second.
        await until(lambda: not _lives(pid), 10)
        with suppress(SampanError):
            await link.close()


def _lives(pid: int | None) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def parent(pid: int | None) -> int:
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return int(fields[1])
