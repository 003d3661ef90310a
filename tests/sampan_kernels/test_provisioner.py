"""Jupyter's own kernel managers, with a kernel of a real broker behind them."""

from __future__ import annotations

import asyncio
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory

from sampan.errors import Refused, SampanError
from tests.sampan_hub.real_broker import RealBroker
from tests.ways.whole_hub import came

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def run(client: AsyncKernelClient, code: str, begun: asyncio.Event | None = None) -> str:
    """What it printed, and the name of its error; `begun` is set when it says something."""
    said: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        content = message["content"]
        said.append(content.get("text") or content.get("ename") or "")
        if begun is not None and content.get("text"):
            begun.set()

    await client.execute_interactive(code, timeout=30, output_hook=hear)
    return "".join(said).strip()


async def _free(broker: RealBroker) -> bool:
    return broker.live_jobs("east") == [] and await broker.launches("alice") == []


async def test_starts_runs_interrupts_restarts_and_frees(
    broker: RealBroker, specs: KernelSpecManager
) -> None:
    manager = AsyncKernelManager(kernel_name="small", kernel_spec_manager=specs)
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=30)
    told = await run(client, "import os; print(os.environ['SAMPAN_LAUNCH'])")
    [launch] = await broker.launches("alice")
    assert (told, launch["kind"], launch["name"]) == (launch["id"], "kernel", manager.kernel_id)
    assert await run(client, "x = 1; print('变量')") == "变量"
    big = await run(client, "print('y' * 5_000_000)")
    assert len(big) == 5_000_000
    assert await manager.is_alive()

    begun = asyncio.Event()
    sleeping = asyncio.create_task(run(client, "import time; print('begun'); time.sleep(60)", begun))
    await asyncio.wait_for(begun.wait(), 20)
    await manager.interrupt_kernel()
    assert (await asyncio.wait_for(sleeping, 20)).endswith("KeyboardInterrupt")

    # Each of Jupyter's ways to restart, the second of which tells a provisioner to kill and not that it is for a restart.
    for now in (False, True):
        await run(client, "x = 1")
        await manager.restart_kernel(now=now)
        await client.wait_for_ready(timeout=30)
        assert await run(client, "x") == "NameError"
        [after] = await broker.launches("alice")
        assert (after["id"], after["job"]) == (launch["id"], launch["job"])

    client.stop_channels()
    sockets = Path(manager.ip).parent
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    await manager.shutdown_kernel()
    assert not await manager.is_alive()
    await came(lambda: _free(broker))
    assert (await broker.at(launch["id"], "ended"))["cause"]["code"] == "ended.stopped"
    # Nothing of it is left here, either.
    assert not sockets.exists()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("kernel ")]


async def test_a_broker_that_restarts_costs_a_connection(
    broker: RealBroker, specs: KernelSpecManager
) -> None:
    manager = AsyncKernelManager(kernel_name="small", kernel_spec_manager=specs)
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=30)
    await run(client, "x = 42")
    await broker.again()
    assert await manager.is_alive(), "no answer is not an end"
    await client.wait_for_ready(timeout=30)
    assert await run(client, "print(x)") == "42"
    client.stop_channels()
    await manager.shutdown_kernel()
    await came(lambda: _free(broker))


async def test_one_that_dies_is_told_dead_and_comes_back_in_its_job(
    broker: RealBroker, specs: KernelSpecManager
) -> None:
    manager = AsyncKernelManager(kernel_name="small", kernel_spec_manager=specs)
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=30)
    await run(client, "x = 1")
    [launch] = await broker.launches("alice")
    client.execute("import os; os._exit(3)")

    async def dead() -> bool:
        return not await manager.is_alive()

    await came(dead)
    await manager.restart_kernel(now=True)
    await client.wait_for_ready(timeout=30)
    [after] = await broker.launches("alice")
    assert after["job"] == launch["job"]
    # Stopped by its person elsewhere, it is over: a restart starts nothing in its place.
    await broker.ask("DELETE", f"/launches/{launch['id']}", "alice")
    await broker.at(launch["id"], "ended")
    assert not await manager.is_alive()
    with pytest.raises(SampanError):
        await manager.restart_kernel(now=True)
    assert await broker.launches("alice") == []
    client.stop_channels()
    await manager.shutdown_kernel(now=True)


async def test_what_cannot_be_is_said_and_leaves_nothing(
    broker: RealBroker, specs: KernelSpecManager
) -> None:
    manager = AsyncKernelManager(kernel_name="huge", kernel_spec_manager=specs)
    with pytest.raises(Refused, match="4000"):
        await manager.start_kernel()
    assert await broker.launches("alice") == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("kernel ")]


async def test_while_it_waits_it_is_answered_for_and_what_is_asked_is_run_later(
    broker: RealBroker, specs: KernelSpecManager
) -> None:
    """The browser's way and a script's: at once they are told that it waits and where, and what they asked runs in its order."""
    full = broker.fill("east")
    manager = AsyncKernelManager(kernel_name="small", kernel_spec_manager=specs)
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=10)
    [launch] = await broker.launches("alice")
    await broker.at(launch["id"], "queued")
    assert await manager.is_alive()
    told = await _news(client, lambda told: told["code"].startswith("launch.queued"))
    assert (told["launch"], told["state"], told["centre"]) == (launch["id"], "waits", "east")
    assert told["zh"]
    first = asyncio.ensure_future(run(client, "x = 40"))
    await asyncio.sleep(0.2)
    await manager.interrupt_kernel()
    assert await asyncio.wait_for(first, 10) == "KeyboardInterrupt", "what waits can be taken back"
    waits = [client.execute(code) for code in ("x = 41", "x += 1", "print(x)")]
    broker.free("east", full)
    said: list[str] = []
    for asked in waits:
        answer = await _reply(client, asked)
        assert answer["content"]["status"] == "ok"
    while not said:
        message = await client.get_iopub_msg(timeout=30)
        if message["parent_header"].get("msg_id") == waits[-1] and message["msg_type"] == "stream":
            said.append(message["content"]["text"])
    assert said == ["42\n"]
    client.stop_channels()
    await manager.shutdown_kernel()
    await came(lambda: _free(broker))


async def _news(client: AsyncKernelClient, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What is said of the launch, as the Lab's page hears it."""
    async with asyncio.timeout(20):
        while True:
            message = await client.get_iopub_msg(timeout=20)
            if message["msg_type"] == "sampan_launch" and wanted(message["content"]):
                found: dict[str, Any] = message["content"]
                return found


async def _reply(client: AsyncKernelClient, asked: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            message: dict[str, Any] = await client.get_shell_msg(timeout=30)
            if message["parent_header"].get("msg_id") == asked:
                return message


async def test_given_up_while_it_waits_no_job_is_left(broker: RealBroker, specs: KernelSpecManager) -> None:
    """And at once: nobody waits for the end of a process that is not there."""
    full = broker.fill("east")
    manager = AsyncKernelManager(kernel_name="small", kernel_spec_manager=specs)
    await manager.start_kernel()
    [launch] = await broker.launches("alice")
    await broker.at(launch["id"], "queued")
    manager.shutdown_wait_time = 300.0
    async with asyncio.timeout(60):
        await manager.shutdown_kernel()
    await came(lambda: _free(broker))
    broker.free("east", full)


async def test_restarted_while_it_waits_it_comes_all_the_same(
    broker: RealBroker, specs: KernelSpecManager
) -> None:
    """The Lab's button: what Jupyter then asks a kernel to do is not asked of the one that comes later."""
    full = broker.fill("east")
    manager = AsyncKernelManager(kernel_name="small", kernel_spec_manager=specs)
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=30)
    [launch] = await broker.launches("alice")
    await broker.at(launch["id"], "queued")
    await manager.restart_kernel()
    waits = client.execute("x = 41")
    broker.free("east", full)
    assert (await _reply(client, waits))["content"]["status"] == "ok"
    assert await run(client, "print(x + 1)") == "42"
    client.stop_channels()
    await manager.shutdown_kernel()
    await came(lambda: _free(broker))


async def test_one_that_will_not_come_says_so_in_the_cell(
    broker: RealBroker, specs: KernelSpecManager
) -> None:
    full = broker.fill("east")
    manager = AsyncKernelManager(kernel_name="small", kernel_spec_manager=specs)
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=10)
    [launch] = await broker.launches("alice")
    asked = client.execute("print(1)")
    await broker.ask("DELETE", f"/launches/{launch['id']}", "alice")
    answer = (await _reply(client, asked))["content"]
    assert (answer["status"], answer["ename"]) == ("error", "launch.stopped")
    assert not await manager.is_alive()
    client.stop_channels()
    await manager.shutdown_kernel(now=True)
    await came(lambda: _free(broker))
    broker.free("east", full)


async def test_another_server_goes_on_with_it(broker: RealBroker, specs: KernelSpecManager) -> None:
    """As after a kill -9 of a Jupyter server: the kernel keeps its variables, and its output made meanwhile comes."""
    manager = AsyncKernelManager(kernel_name="small", kernel_spec_manager=specs)
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=30)
    await run(client, "x = 42")
    session = client.session.session
    provisioner: Any = manager.provisioner
    told = await provisioner.get_provisioner_info()
    await provisioner.leave()
    client.stop_channels()
    # A server that was killed closes nothing; here its remains would be told as a warning of some later test.
    manager.context.destroy(linger=0)

    after = AsyncKernelManager(kernel_name="small", kernel_spec_manager=specs)
    made = KernelProvisionerFactory.instance().create_provisioner_instance(
        manager.kernel_id, after.kernel_spec, parent=after
    )
    await made.load_provisioner_info(told)
    after.provisioner = made
    after.load_connection_info(made.connection_info)
    client = after.client()
    client.session.session = session
    client.start_channels()
    await client.wait_for_ready(timeout=30)
    assert await run(client, "print(x)") == "42"
    client.stop_channels()
    await after.shutdown_kernel()
    await came(lambda: _free(broker))
