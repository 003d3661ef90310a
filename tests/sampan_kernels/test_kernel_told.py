"""What a person is told of a kernel elsewhere: all that it said while nobody was there to hear it, and why it is no more."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory

from tests.sampan_hub.real_broker import RealBroker
from tests.sampan_kernels import test_provisioner
from tests.ways.whole_hub import came

pytestmark = pytest.mark.asyncio(loop_scope="module")

COUNTS = "import time\nfor i in range(100): print('line', i, flush=True); time.sleep(0.05)"


async def started(specs: KernelSpecManager) -> tuple[AsyncKernelManager, AsyncKernelClient]:
    manager = AsyncKernelManager(kernel_name="small", kernel_spec_manager=specs)
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=30)
    return manager, client


async def heard(manager: AsyncKernelManager, client: AsyncKernelClient, until: str, said: list[str]) -> None:
    """Notes what is printed, up to that line; and tells that it was got, as the way to a page does."""
    provisioner: Any = manager.provisioner
    async with asyncio.timeout(30):
        while f"{until}\n" not in "".join(said):
            message = await client.get_iopub_msg()
            provisioner.told(message["header"]["msg_id"])
            said.append(message["content"].get("text", ""))


async def test_what_it_said_meanwhile_comes_once_and_in_its_order(
    broker: RealBroker, specs: KernelSpecManager
) -> None:
    """The broker is killed and started again while a cell prints, and then the server that listened is gone for a while."""
    manager, client = await started(specs)
    said: list[str] = []
    client.execute(COUNTS)
    await heard(manager, client, "line 5", said)
    await broker.again()
    await heard(manager, client, "line 30", said)
    provisioner: Any = manager.provisioner
    told, session = await provisioner.get_provisioner_info(), client.session.session
    await provisioner.leave()
    # What has come this far and was not read, no page has got.
    client.stop_channels()
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
    # What was said meanwhile comes when somebody is there to hear it.
    client.kernel_info()
    await heard(after, client, "line 99", said)
    assert "".join(said).splitlines() == [f"line {i}" for i in range(100)]
    client.stop_channels()
    await after.shutdown_kernel()
    await came(lambda: test_provisioner._free(broker))


async def test_one_that_needs_more_memory_than_it_has_is_said_to(
    broker: RealBroker, specs: KernelSpecManager
) -> None:
    """Its job is ended by its centre; the cell says why and what is lost, and the kernel is dead."""
    manager, client = await started(specs)
    asked = client.execute(
        "x = bytearray(2 * 10**9)\nfor i in range(0, len(x), 4096): x[i] = 1\nimport time; time.sleep(60)"
    )
    answer = (await test_provisioner._reply(client, asked))["content"]
    assert (answer["status"], answer["ename"]) == ("error", "kernel.over")
    assert "more memory" in answer["evalue"]
    assert not await manager.is_alive()
    client.stop_channels()
    await manager.shutdown_kernel(now=True)
    await came(lambda: test_provisioner._free(broker))
