"""After a stop nothing is left: no job, no child of it, no link, no port, no socket, no secret at the centre."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from sampan_kernels.berth import PREFIX
from tests.ways.person import Person
from tests.ways.processes import command, environment, of_jobs, sockets
from tests.ways.secrets_of import OPEN_CLUSTER, content, files_below, found_in, gather
from tests.ways.whole_hub import WholeHub, came, whole_hub

STRAY = "import subprocess; print(subprocess.Popen(['setsid', '--fork', 'sleep', '3607']).wait())"
"""A child that has left its kernel's session, and has nothing to do with it any more."""


@pytest_asyncio.fixture
async def hub(kind: str) -> AsyncIterator[WholeHub]:
    async with whole_hub(kind) as running:
        yield running


async def test_nothing_is_left_of_a_launch_that_was_stopped(hub: WholeHub) -> None:
    """A server with a kernel, a cluster of two workers, and a process that has left its session."""
    async with Person(hub, "alice") as alice:
        await alice.start(plan="light")
        await alice.ready()
        kernel = await alice.kernel()
        assert (await kernel.run(OPEN_CLUSTER)).strip() == "42"
        await kernel.run(STRAY)
        secrets = await gather(hub, alice, kernel)
        launch = await alice.launch()
        door = urlsplit(launch["door"]).port or 0
        strays = [pid for pid in of_jobs(hub) if command(pid) == "sleep 3607"]
        assert len(strays) == 1
        berths = {
            part for path in sockets(of_jobs(hub)) for part in Path(path).parts if part.startswith(PREFIX)
        }
        assert _there(hub, berths)
        assert await _links(hub) == 1
        await alice.stop()
        ended = await alice.at("ended")
        assert ended["cause"]["code"] == "ended.stopped"

        async def nothing() -> bool:
            return not await _left(hub, door, berths)

        try:
            await came(nothing, 60)
        finally:
            assert await _left(hub, door, berths) == {}
        # The hub's own secrets never lie at a centre (test_secrets); these were the session's.
        session = {
            name: text
            for name, text in secrets.items()
            if name.split()[0] in ("client", "kernel", "environment")
        }
        told = {}
        for file in _files(hub):
            if names := found_in(session, content(file)):
                told[str(file)] = names
        assert told == {}


async def _left(hub: WholeHub, door: int, berths: set[str]) -> dict[str, object]:
    found: dict[str, object] = {
        "jobs": [job["tag"] for centre in hub.centres for job in hub.live_jobs(centre)],
        "processes": [command(pid) for pid in of_jobs(hub) if _ours(hub, pid)],
        "links": await _links(hub),
        "sockets": _there(hub, berths),
        "door": _is_listened_on(door),
    }
    return {what: left for what, left in found.items() if left}


def _ours(hub: WholeHub, pid: int) -> bool:
    """Not somebody else's, whose scheduler has its folder under the same name."""
    return environment(pid).get("SAMPAN_TAG", "").startswith(f"sampan-{hub.secret('hub-id')}-")


async def _links(hub: WholeHub) -> int:
    async with httpx.AsyncClient(timeout=10) as client:
        answer = await client.get(f"http://127.0.0.1:{_broker_port(hub)}/services/sampan/metrics")
    for family in text_string_to_metric_families(answer.text):
        if family.name == "sampan_links":
            return int(family.samples[0].value)
    raise AssertionError(answer.text[:500])


def _broker_port(hub: WholeHub) -> int:
    words = command(hub.pid("broker")).split()
    return int(words[words.index("--port") + 1])


def _there(hub: WholeHub, berths: set[str]) -> list[str]:
    """Which of the launchers' folders, with all their sockets, there are still."""
    places = {*hub.places.temporary(), Path("/tmp")}
    return [str(place / name) for place in places for name in berths if (place / name).exists()]


def _files(hub: WholeHub) -> list[Path]:
    folders = sorted({folder for centre in hub.centres for folder in hub.places.folders(centre)})
    return [file for file in files_below(*folders) if file.is_file() and not file.is_symlink()]


def _is_listened_on(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0
