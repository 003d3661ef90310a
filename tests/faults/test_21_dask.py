"""A stranger on the node and in the cluster's network: a Dask cluster's scheduler, pages and workers give nothing."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.faults.broken import Broken
from tests.faults.losses import counted
from tests.federation import user_environment
from tests.federation.accounts import STRANGER
from tests.federation.centre import Centre
from tests.federation.federation import Federation
from tests.sampan.listeners import Listener
from tests.ways import stranger
from tests.ways.person import Kernel, Person
from tests.ways.processes import command, of_jobs, ports
from tests.ways.whole_hub import WholeHub, came

pytestmark = [pytest.mark.federation, pytest.mark.asyncio(loop_scope="session")]

OPEN: Final = """
import sampan
from distributed import Client
cluster = sampan.cluster(workers=2, cores=2, memory="0.5 GiB", hours=0.5)
client = Client(cluster)
client.wait_for_workers(2, timeout=50)
"""
REFUSED: Final = (
    "Nothing: Dask speaks TLS and knows one certificate; what else listens is on loopback and answers 404 to who cannot guess.",
    "一无所获：Dask 只用 TLS 且只认一张证书；其页面与工作进程的网页服务仅在本机回环地址，不知道 128 位随机数者一律得到 404。",
)


async def test_a_stranger_gets_nothing_from_scheduler_pages_and_workers(
    real_hub: WholeHub, federation: Federation, broken: Broken
) -> None:
    """One worker beside the session, one on the other node; each listening socket is tried from its node and from the others."""
    async with Person(real_hub, "ann") as ann:
        await ann.start(cores="6", memory="2", hours="1", centre="east")
        await ann.ready()
        kernel = await ann.kernel()
        await kernel.run(OPEN, deadline=90)
        centre = federation.centre("east")
        listening = [
            one for one in ports(of_jobs(real_hub)) if "sampan_kernels.launcher" not in command(one.pid)
        ]
        where = {one: _node(one) for one in listening}
        # The scheduler and its pages, which are in the kernel; each worker, and its web server without pages.
        workers = sorted(one.host for one in listening if "dask_worker" in command(one.pid))
        # Each speaks TLS on all of its node's addresses, old and new.
        assert workers == sorted(["0.0.0.0", "::", "127.0.0.1"] * 2)
        assert len(listening) == len(workers) + 2, "the scheduler and its pages"
        assert set(where.values()) == {"n1", "n2"}
        assert sum(one.host == "127.0.0.1" for one in listening) == 3
        for host in centre.hosts:
            await asyncio.to_thread(_tried, centre, host, where)
        there, path = await _pages(kernel)
        secret = f"{there}{path}info/main/workers.html"
        inside = await kernel.run(f"import urllib.request as u; print(len(u.urlopen({secret!r}).read()) > 0)")
        assert inside.strip() == "True", "there are pages, for who knows where"
        await _only_for(ann, f"{path}info/main/workers.html")
        losses = await counted(real_hub, [await ann.launch()])
        broken(
            (
                "A stranger on each host of the centre tries every socket of a Dask cluster, another user of the hub its pages.",
                "中心各主机上的陌生人逐个尝试 Dask 集群的所有套接字，平台的另一用户尝试打开其页面。",
            ),
            REFUSED,
            losses,
        )
        await kernel.run("client.close(); cluster.close()")
        await came(lambda: _no_workers(real_hub), 30)


def _node(one: Listener) -> str:
    """By the name of the host whose namespace it is in."""
    told = subprocess.run(
        ["nsenter", f"--target={one.pid}", "--uts", "hostname"], capture_output=True, text=True, check=True
    ).stdout
    return told.strip().partition("-")[2]


def _tried(centre: Centre, host: str, where: dict[Listener, str]) -> None:
    """What a stranger on that host is told at every address where each might answer."""
    addresses = {
        (address, one.port): one
        for one, node in where.items()
        for address in {centre.addresses[node], *(["127.0.0.1"] if node == host else [])}
    }
    ask = {"tcp": [list(address) for address in addresses], "unix": [], "broker": None, "secret": ""}
    source = Path(stranger.__file__).read_text(encoding="utf-8")
    argv = centre.hosts[host].argv([str(user_environment.python()), "-I", "-c", source], account=STRANGER)
    done = subprocess.run(argv, input=json.dumps(ask), capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, dict[str, str]] = json.loads(done.stdout)
    assert len(told) == len(addresses)
    for (address, port), one in addresses.items():
        said = told[f"{address} {port}"]
        if one.host == "127.0.0.1" and address != "127.0.0.1":
            assert set(said.values()) == {"<ConnectionRefusedError>"}, (host, address, said)
        for words, answer in said.items():
            assert _nothing(words, answer), (host, address, port, words, answer)


def _nothing(words: str, answer: str) -> bool:
    """A refusal, an alert of TLS, or that there is no such page."""
    return (
        not answer
        or answer.startswith(("<", "\x15\x03", "HTTP/1.1 404", "HTTP/1.1 400"))
        or words == "silence"
    )


async def _only_for(ann: Person, page: str) -> None:
    """The route of her session that shows them, with the secret in it: for another person of the hub, and for nobody at all."""
    mine = await ann.client.get(page)
    assert (mine.status_code, "Workers" in mine.text) == (200, True)
    async with Person(ann.hub, "bob") as bob:
        theirs = await bob.client.get(page)
        assert (theirs.status_code, "Workers" in theirs.text) == (403, False), theirs.text[:500]
    async with httpx.AsyncClient(base_url=ann.hub.url, follow_redirects=True) as nobody:
        asked = await nobody.get(page)
        assert asked.url.path == "/hub/login"


async def _pages(kernel: Kernel) -> tuple[str, str]:
    """Where they are on the node, and their path."""
    read = "import json; print(json.dumps(json.loads((cluster.seal.directory / 'pages.json').read_text())))"
    told: dict[str, Any] = json.loads(await kernel.run(read))
    return f"http://127.0.0.1:{told['port']}", told["path"]


async def _no_workers(hub: WholeHub) -> bool:
    jobs = await asyncio.to_thread(hub.live_jobs, "east")
    return not any("-dask-" in job["tag"] for job in jobs)
