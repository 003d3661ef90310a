"""A stranger on the node and in the cluster's network: every socket on which a job listens is found, tried, and gives nothing.

Clusters have a file of their own; the hub's sockets, and those of the embedded default, are asked in `tests/ways/test_secrets.py`.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.faults.broken import Broken
from tests.faults.losses import counted
from tests.federation import user_environment
from tests.federation.accounts import STRANGER
from tests.federation.centre import Centre
from tests.federation.federation import Federation
from tests.ways import stranger
from tests.ways.person import Kernel, Person
from tests.ways.processes import command, environment, of_jobs, ports, sockets
from tests.ways.whole_hub import WholeHub

pytestmark = [pytest.mark.federation, pytest.mark.asyncio(loop_scope="session")]

SOCKETS: Final = {
    "server": r"server\.sock",
    "hub's way": r"hub\.sock",
    "broker's way": r"broker\.sock",
    "kernel of the session": r"run/kernel-[0-9a-f-]{36}-ipc-[1-5]",
    "kernel elsewhere": r"run/kernel-[1-6]",
    "its relay in the session": r"run/far-\w{8}/(shell|iopub|stdin|control|hb)",
    "its bridge in the session": r"run/far-\w{8}/far-[1-5]",
    "pages of its cluster": r"run/pages-[0-9a-f]{8}",
    "their way in the session": r"run/pages-\w+/socket",
    "output of forks": r"run/forks-\d+",
    "what is forked from": r"template-(server|kernel)\.sock",
}
"""What the jobs listen on, below the folder of their launcher: all of it."""
CLUSTER: Final = """
import sampan
cluster = sampan.cluster(workers=1, cores=1, memory="512 MiB")
cluster.get_client().wait_for_workers(1, timeout=60)
"""
DASK: Final = re.compile(r"sampan_kernels\.kernel|dask_worker")
REFUSED: Final = (
    "Nothing: permission denied at each unix socket; the link's port knows one key, and lets nobody else in.",
    "一无所获：所有 unix 套接字均无权访问；连接端口只认一把密钥，不放行任何人。",
)


async def test_a_stranger_gets_nothing_from_server_kernel_and_link(
    real_hub: WholeHub, federation: Federation, broken: Broken
) -> None:
    """A session with a kernel of its own and one that is a launch, at a centre of real nodes; asked from each of its hosts."""
    async with Person(real_hub, "ann") as ann:
        await ann.start(plan="light", centre="east")
        await ann.ready()
        await (await ann.kernel(name="python3")).run("x = 1")
        elsewhere = await ann.kernel(name="sampan--cores-1--memory-1--hours-1--centre-east")
        await _show_pages(real_hub, ann, elsewhere)
        launches = [one for one in await real_hub.launches("ann") if one["kind"] != "cluster"]
        launches.sort(key=lambda one: str(one["kind"]), reverse=True)
        assert [one["kind"] for one in launches] == ["server", "kernel"]
        pids = of_jobs(real_hub)
        unix = sockets(pids)
        # What Dask listens on by itself, in the kernel elsewhere and in its worker, is for `test_21_dask`.
        listening = [one for one in ports(pids) if not DASK.search(command(one.pid))]
        assert [command(one.pid).count("sampan_kernels.launcher") for one in listening] == [1, 1], [
            command(one.pid) for one in listening
        ]
        # What nothing is left to be forked from is there no more.
        assert {_kind(path) for path in unix} | {"what is forked from"} == set(SOCKETS), unix
        centre = federation.centre("east")
        nodes = {launch["id"]: launch["node"].partition("-")[2] for launch in launches}
        links = [
            (centre.addresses[nodes[environment(one.pid)["SAMPAN_LAUNCH"]]], one.port) for one in listening
        ]
        shut = set()
        for host in centre.hosts:
            told = await asyncio.to_thread(_asked, centre, host, links, list(unix))
            assert len(told) == len(links) + len(unix)
            for address, said in told.items():
                if not address.startswith("/"):
                    assert said["ssh"] == "<denied> <denied> <denied>", (host, address, said)
                    assert _only_greets(said), (host, address, said)
                elif said["http"] != "<FileNotFoundError>":
                    assert said["http"] == "<no permission>", (host, address, said)
                    shut.add(address)
        # Where it lies each was found shut; the other hosts have a /tmp of their own.
        assert shut == set(unix)
        for done in (
            (
                "A stranger on the node tries every socket of a session's and a kernel's job.",
                "节点上的陌生人逐个尝试会话任务与内核任务的所有套接字。",
            ),
            (
                "A stranger on the login node and on another node tries the link's port.",
                "登录节点和另一节点上的陌生人尝试连接端口。",
            ),
        ):
            broken(done, REFUSED, await counted(real_hub, launches))


def _kind(path: str) -> str:
    """Of a socket by its place; an abstract one, which has no mode, has none."""
    place = re.fullmatch(r"/tmp/sampan-job_\w{8}/(.+)", path)
    kinds = [kind for kind, shape in SOCKETS.items() if place and re.fullmatch(shape, place[1])]
    return kinds[0] if kinds else f"unknown: {path}"


async def _show_pages(hub: WholeHub, ann: Person, kernel: Kernel) -> None:
    """A cluster in this kernel elsewhere, whose pages her session shows."""
    await kernel.run(CLUSTER, deadline=90)
    [cluster] = [one for one in await hub.launches("ann") if one["kind"] == "cluster"]
    pages = (await hub.ask("GET", f"/clusters/{cluster['id']}", "ann"))["pages"]
    assert (await ann.client.get(f"{pages}status")).status_code == 200


def _asked(
    centre: Centre, host: str, links: Sequence[tuple[str, int]], unix: list[str]
) -> dict[str, dict[str, str]]:
    """What a stranger on that host of the centre is told by the jobs' links at their nodes, and by their sockets."""
    ask = {"tcp": links, "unix": unix, "broker": None, "secret": ""}
    source = Path(stranger.__file__).read_text(encoding="utf-8")
    argv = centre.hosts[host].argv([str(user_environment.python()), "-I", "-c", source], account=STRANGER)
    done = subprocess.run(argv, input=json.dumps(ask), capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, dict[str, str]] = json.loads(done.stdout)
    return told


def _only_greets(said: dict[str, str]) -> bool:
    """The name of the protocol, whatever is said to it; or nothing."""
    return all(text.startswith(("SSH-2.0-Sampan", "<")) for name, text in said.items() if name != "ssh")
