"""A kernel that was shut down while the broker is away gives its job back when that is there again."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from sampan_kernels import owed
from tests.sampan_hub.real_broker import RealBroker
from tests.ways.whole_hub import came

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _free(broker: RealBroker) -> bool:
    return broker.live_jobs("east") == [] and await broker.launches("alice") == []


def _kernels() -> set[threading.Thread]:
    """What goes on beside for a kernel, of this test or of one before it."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("kernel ")}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(owed, "WAITS", (0.1,))
    monkeypatch.setattr(owed, "LONGEST", 1.0)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    return tmp_path


async def test_by_the_process_that_shut_it_down(
    broker: RealBroker, specs: KernelSpecManager, folder: Path
) -> None:
    before = _kernels()

    async def nothing_goes_on() -> bool:
        return _kernels() <= before

    manager = AsyncKernelManager(kernel_name="small", kernel_spec_manager=specs)
    await manager.start_kernel()
    [launch] = await broker.launches("alice")
    broker.kill()
    await manager.shutdown_kernel(now=True)
    assert [file.name for file in folder.glob("stop-*")] == [f"stop-{launch['id']}"]
    await broker.begin()
    await came(lambda: _free(broker))
    await came(nothing_goes_on)
    assert not list(folder.glob("stop-*"))


async def test_by_the_next_one_where_that_has_ended(
    broker: RealBroker, specs: KernelSpecManager, folder: Path
) -> None:
    left = (await broker.create("alice", "left"))["id"]
    (folder / f"stop-{left}").write_text("http://broker/services/sampan")
    (folder / "stop-other").write_text("https://another.hub/services/sampan")
    manager = AsyncKernelManager(kernel_name="small", kernel_spec_manager=specs)
    await manager.start_kernel()
    await broker.at(left, "ended")
    await manager.shutdown_kernel(now=True)
    await came(lambda: _free(broker))
    assert [file.name for file in folder.glob("stop-*")] == ["stop-other"], "of another hub"
