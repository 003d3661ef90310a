"""From asking for a kernel to its first answer: a launch at a centre beside a plain local kernel, run by run in turn.

On the embedded default, and on real Slurm behind a real login node. Both by Jupyter's own kernel manager; noise is what the
plain one shows of itself.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from subprocess import DEVNULL
from typing import Any, Final

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from tests.bench.figures import Figure, keep, measured
from tests.federation.federation import Federation
from tests.ways.person import Person
from tests.ways.whole_hub import WholeHub, whole_hub

__all__ = ["run"]

RUNS: Final = 9
PLACES: Final = {"embedded": "a process of this machine", "federation": "real Slurm"}


async def run() -> list[Figure]:
    figures: list[Figure] = []
    runs: dict[str, dict[str, list[float]]] = {}
    for kind, place in PLACES.items():
        # The hub tells its logs when it ends, for a test that has failed.
        with redirect_stdout(StringIO()):
            ours, local = await _in_turn(kind)
        peer = measured(f"kernel, plain and local, beside {place}", "s", local)
        ratio = f"noise of the plain one {min(local):.2f}–{max(local):.2f}"
        figures += [
            measured(
                f"kernel at a centre, {place}", "s", ours, peer="local", peer_median=peer.median, reach=ratio
            ),
            peer,
        ]
        runs[kind] = {"sampan": ours, "local": local}
    keep("kernel", figures, runs=runs)
    return figures


async def _in_turn(kind: str) -> tuple[list[float], list[float]]:
    ours: list[float] = []
    local: list[float] = []
    with tempfile.TemporaryDirectory() as folder, _federation(kind):
        async with whole_hub(kind) as hub, Person(hub, "ann") as ann:
            token = (await ann.api("POST", "/users/ann/tokens", json={"note": "bench"})).json()["token"]
            with _environment(hub, token, folder):
                for number in range(RUNS + 1):
                    there = await _first_answer(_there(Path(folder)))
                    here = await _first_answer(AsyncKernelManager(kernel_name="python3"))
                    # The first of each warms the disk up, and is not counted.
                    if number:
                        ours.append(there)
                        local.append(here)
    return ours, local


@contextmanager
def _federation(kind: str) -> Iterator[None]:
    if kind == "embedded":
        yield
        return
    with Federation().in_use():
        yield


@contextmanager
def _environment(hub: WholeHub, token: str, folder: str) -> Iterator[None]:
    told = {"SAMPAN_URL": hub.url, "SAMPAN_TOKEN": token, "JUPYTER_RUNTIME_DIR": folder}
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _there(folder: Path) -> AsyncKernelManager:
    options = {"plan": "light", "centre": "east"}
    provisioner = {"provisioner_name": "sampan-provisioner", "config": {"options": options}}
    spec = {
        "argv": [],
        "display_name": "there",
        "language": "python",
        "metadata": {"kernel_provisioner": provisioner},
    }
    place = folder / "there"
    place.mkdir(exist_ok=True)
    (place / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    return AsyncKernelManager(
        kernel_name="there", kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(folder)])
    )


async def _first_answer(manager: AsyncKernelManager) -> float:
    """Seconds until a cell has been run."""

    def hear(_: dict[str, Any]) -> None:
        """What it prints is not looked at."""

    began = time.perf_counter()
    await manager.start_kernel(stderr=DEVNULL)
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        await client.execute_interactive("1 + 1", timeout=60, output_hook=hear)
        return time.perf_counter() - began
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
