"""Forks of a job's template beside plain starts, run by run in turn: kernels, session servers, twenty of them at once, memory.

The peers: a plain kernel as `jupyter_client` starts one, and JupyterHub's own single-user server. Both sides are asked in the
same way, and over when they have answered.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.connect import write_connection_file

from sampan_kernels.berth import Berth
from sampan_kernels.forks import Fork, claim
from sampan_kernels.kinds import recipe
from sampan_kernels.orders import Orders
from sampan_kernels.templates import Templates
from tests.bench.figures import Figure, keep, measured
from tests.bench.prepared_picture import picture
from tests.small_hub import SmallHub, small_hub

__all__ = ["run"]

RUNS: Final = 15
CROWD: Final = 20
SERVERS: Final = 8
"""Whose memory is measured together."""
CELL: Final = "import numpy, xarray, dask, distributed"
Process = Fork | subprocess.Popen[bytes]


@dataclass
class Bench:
    """One job's templates, and what was started in it."""

    folder: Path
    hub: SmallHub
    templates: Templates
    berth: Berth
    environment: Mapping[str, str]
    running: list[Process] = field(default_factory=list)
    number: int = 0

    def start(self, argv: Sequence[str], environment: Mapping[str, str], template: str | None) -> Process:
        with (self.folder / "log").open("ab") as log:
            out = log.fileno()
            if template is None:
                options: dict[str, Any] = {"stdout": out, "stderr": out, "start_new_session": True}
                made: Process = subprocess.Popen(argv, env=environment, cwd=self.folder, **options)
            else:
                where = self.berth.template(template)
                fork = claim(where, argv, environment, self.folder, outputs=(out, out), patience=60)
                assert fork is not None, (self.folder / "log").read_text()
                made = fork
        self.running.append(made)
        return made

    async def stop(self) -> None:
        while self.running:
            process = self.running.pop()
            process.kill()
            await asyncio.to_thread(process.wait)

    # A kernel

    async def kernel(self, *, prepared: bool) -> float:
        """Seconds until a cell with the imports has been answered; its client connects when the sockets are there."""
        self.number += 1
        place = self.folder / f"k{self.number}"
        file, _ = write_connection_file(f"{place}.json", transport="ipc", ip=str(place))
        module = "sampan_kernels.kernel" if prepared else "ipykernel_launcher"
        environment = {**self.environment, "JUPYTER_RUNTIME_DIR": str(self.folder)}
        began = time.perf_counter()
        argv = (sys.executable, "-m", module, "-f", file)
        self.start(argv, environment, "kernel" if prepared else None)
        while not all(Path(f"{place}-{number}").exists() for number in (1, 2)):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        client = AsyncKernelClient(connection_file=file)
        client.load_connection_file()
        client.start_channels()
        try:
            reply = await client.execute(CELL, reply=True, timeout=60)
            assert reply["content"]["status"] == "ok", reply
            return time.perf_counter() - began
        finally:
            client.stop_channels()
            await self.stop()

    # A session's server

    async def server(self, *, prepared: bool) -> float:
        """Seconds until its API answers."""
        self.number += 1
        user, began = f"u{self.number}", time.perf_counter()
        ask = self._ours(user) if prepared else self._stock(user)
        async with ask:
            while True:
                try:
                    if (await ask.get(f"/user/{user}/api")).is_success:
                        return time.perf_counter() - began
                except httpx.HTTPError:
                    assert self.running[-1].poll() is None, (self.folder / "log").read_text()
                await asyncio.sleep(0.01)

    def _ours(self, user: str) -> httpx.AsyncClient:
        berth = Berth(self.folder / user)
        berth.directory.mkdir(mode=0o700)
        berth.runtime.mkdir(mode=0o700)
        told = self.hub.environment(user)
        how = recipe(
            *("server", f"/user/{user}/", told), berth=berth, home=self.folder, inherited=self.environment
        )
        # The hub is on this machine here.
        there = {name: told[name] for name in ("JUPYTERHUB_API_URL", "JUPYTERHUB_ACTIVITY_URL")}
        self.start(how.argv, {**how.environment, **there}, "server")
        transport = httpx.AsyncHTTPTransport(uds=str(berth.server))
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")

    def _stock(self, user: str) -> httpx.AsyncClient:
        address = f"http://127.0.0.1:{30000 + self.number}"
        environment = {
            **self.environment,
            **self.hub.environment(user),
            "PATH": self.environment["PATH"],
            "JUPYTERHUB_SERVICE_URL": f"{address}/user/{user}/",
            "JUPYTERHUB_SERVICE_PREFIX": f"/user/{user}/",
        }
        self.start((sys.executable, "-m", "jupyterhub.singleuser"), environment, None)
        return httpx.AsyncClient(base_url=address)

    async def crowd(self, *, prepared: bool) -> list[float]:
        """Seconds after which each of twenty has answered, all asked for at once, in the order of asking."""
        began = time.perf_counter()

        async def one() -> float:
            await self.server(prepared=prepared)
            return time.perf_counter() - began

        try:
            return await asyncio.gather(*(one() for _ in range(CROWD)))
        finally:
            await self.stop()

    async def memory(self, *, prepared: bool) -> float:
        """MB (PSS) a server, its share of the template's included."""
        for _ in range(SERVERS):
            await self.server(prepared=prepared)
        # The template of the kernels is not the servers'.
        pids = [one.pid for one in self.running]
        pids += [self.templates.pid("server")] if prepared else []
        whole = sum(_proportional(pid) for pid in pids)
        await self.stop()
        return whole / SERVERS


async def run() -> list[Figure]:
    kernels: dict[bool, list[float]] = {True: [], False: []}
    servers: dict[bool, list[float]] = {True: [], False: []}
    async with _bench() as bench:
        for number in range(RUNS + 1):
            for prepared in (True, False):
                taken = await bench.kernel(prepared=prepared), await bench.server(prepared=prepared)
                await bench.stop()
                # The first of each warms the disk up, and is not counted.
                if number:
                    kernels[prepared].append(taken[0])
                    servers[prepared].append(taken[1])
        crowds = {prepared: await bench.crowd(prepared=prepared) for prepared in (True, False)}
        memory = {prepared: await bench.memory(prepared=prepared) for prepared in (True, False)}
    rows = (
        ("kernel with numpy, xarray, dask, distributed", "s", kernels, 0.09),
        ("session's server, to its first answer", "s", servers, 0.1),
        (f"{CROWD} servers at once, until the last answers", "s", _ends(crowds, max), 1 / 9),
        (f"{CROWD} servers at once, until the first answers", "s", _ends(crowds, min), None),
        ("memory a server (PSS)", "MB", {side: [value] for side, value in memory.items()}, 0.35),
    )
    figures = [one for row in rows for one in _pair(*row)]
    keep(
        "prepared",
        figures,
        runs={"kernels": _named(kernels), "servers": _named(servers), "crowd": _named(crowds)},
    )
    picture(figures)
    return figures


@asynccontextmanager
async def _bench() -> AsyncIterator[Bench]:
    folder = Path(tempfile.mkdtemp(prefix="pb-"))
    (folder / ".jupyter").mkdir()
    (folder / ".jupyter" / "jupyter_server_config.py").write_text("c.ServerApp.allow_root = True\n")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path.startswith(str(Path.cwd()))),
    }
    orders = Orders.read({**environment, **_ORDERS, "SAMPAN_ATTEMPT_DIR": str(folder)}, time.time())
    berth = Berth(folder)
    templates = Templates(orders, berth)
    try:
        for kind in ("server", "kernel"):
            templates.begin(kind)
        # Until all is imported: it does so in moments when nobody asks.
        await asyncio.sleep(SETTLED)
        async with small_hub(folder) as hub:
            made = Bench(folder, hub, templates, berth, environment)
            try:
                yield made
            finally:
                await made.stop()
    finally:
        templates.end()
        shutil.rmtree(folder, ignore_errors=True)


SETTLED: Final = 15.0
_ORDERS: Final = {
    "SAMPAN_TAG": "bench",
    "SAMPAN_NONCE": "",
    "SAMPAN_CLIENT_KEY": "",
    "SAMPAN_BIND": "127.0.0.1",
    "SAMPAN_MINUTES": "60",
    "SAMPAN_KIND": "server",
}


def _proportional(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise LookupError(pid)


def _pair(
    name: str, unit: str, values: Mapping[bool, Sequence[float]], reach: float | None
) -> tuple[Figure, Figure]:
    plain = measured(f"{name}, plain", unit, values[False])
    ours = measured(name, unit, values[True], peer="plain", peer_median=plain.median)
    if reach is None or ours.ratio is None:
        return ours, plain
    goal = {"reach": f"≤ {reach:.2g}× of the plain one", "met": ours.ratio <= reach}
    return measured(name, unit, values[True], peer="plain", peer_median=plain.median, **goal), plain


def _ends(crowds: Mapping[bool, Sequence[float]], which: Any) -> dict[bool, list[float]]:
    return {side: [which(times)] for side, times in crowds.items()}


def _named(values: Mapping[bool, Sequence[float]]) -> dict[str, Sequence[float]]:
    return {"forked": values[True], "plain": values[False]}
