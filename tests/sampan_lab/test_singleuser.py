"""A single-user server as the launcher starts it, with a real hub, through link and door, and a kernel in it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from sampan_hub.doors import Doors
from sampan_hub.link import Link
from tests.launched import Launched, launched
from tests.sampan.listeners import listeners
from tests.small_hub import TOKEN, small_hub
from tests.waiting import until

HEADERS = {"Authorization": f"token {TOKEN}"}
PREFIX = "/user/alice/"


@dataclass
class Served:
    """A server that answers at `url`, which is a door's."""

    job: Launched
    link: Link
    url: str
    client: httpx.AsyncClient

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return await self.client.request(method, self.url + path, headers=HEADERS, **options)

    async def compute(self, kernel: str, code: str, expect: str) -> str:
        """Runs code in a kernel as a page does, over a websocket; what it prints until it is idle and `expect` has come."""
        address = f"{self.url}api/kernels/{kernel}/channels".replace("http", "ws", 1)
        socket = await websocket_connect(HTTPRequest(address, headers=HEADERS))
        header = {
            "msg_id": "1",
            "msg_type": "execute_request",
            "session": "s",
            "username": "",
            "version": "5.3",
        }
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
        await socket.write_message(
            json.dumps(
                {
                    "channel": "shell",
                    "header": header,
                    "parent_header": {},
                    "metadata": {},
                    "content": content,
                }
            )
        )
        printed, replied, idle = "", False, False
        while not (replied and idle and expect in printed):
            message = json.loads(await socket.read_message() or "{}")
            kind, content = message.get("msg_type"), message.get("content", {})
            if message.get("parent_header", {}).get("msg_id") != "1":
                continue
            printed += content.get("text", "") if kind == "stream" else ""
            replied = replied or kind == "execute_reply"
            idle = idle or (kind == "status" and content["execution_state"] == "idle")
            assert kind != "error", content
        socket.close()
        return printed

    def processes(self) -> list[int]:
        """The server and whatever it has started; not the launcher, which listens for us."""
        return _descendants(self.job.process.pid)


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Served]:
    async with (
        small_hub(folder) as hub,
        launched(SAMPAN_KIND="server") as job,
        httpx.AsyncClient(timeout=30) as client,
    ):
        link = await job.link(hub=hub.address)
        doors = Doors((20000, 24999), accounts=frozenset({os.getuid()}))
        port = await doors.open("abcd1234")
        doors.attach("abcd1234", link)
        await link.start("server", PREFIX, hub.environment("alice"))
        async for event in link.events():
            assert event == {"event": "ready"}, job.log
            break
        yield Served(job, link, f"http://127.0.0.1:{port}{PREFIX}", client)
        await link.stop()
        assert await job.ended() == 0
        await doors.close()


async def test_a_server_and_a_kernel_without_a_port(tmp_path: Path) -> None:
    """One start for all of it: starting takes seconds."""
    async with served(tmp_path) as server:
        assert (await server.link.status()).ready
        # Who is not logged in is sent to the hub; whom the hub vouches for, by its API through the link, is let in.
        stranger = await server.client.get(f"{server.url}lab")
        assert stranger.status_code == 302
        assert stranger.headers["location"].startswith("/hub/api/oauth2/authorize?")
        assert (await server.client.get(f"{server.url}api/kernels")).status_code == 403
        assert (await server.call("GET", "api/contents/")).json()["type"] == "directory"
        assert (await server.call("GET", "lab/api/settings")).status_code == 200

        kernel = (await server.call("POST", "api/kernels", json={"name": "python3"})).json()["id"]
        told = await server.compute(kernel, _ASK, "from a fork")
        facts = json.loads(next(line for line in told.splitlines() if line.startswith("{")))
        assert facts["cwd"] == str(server.job.directory.parents[2])
        assert facts["node"] == server.link.greeting.node
        assert facts["broker"].endswith("broker.sock/services/sampan")
        assert facts["debugger"] is False

        processes = server.processes()
        assert any(b"sampan_kernels.kernel" in _cmdline(pid) for pid in processes)
        assert listeners(processes) == []
        _check_secrets(server)
        await _check_fork(server, kernel)


async def _check_fork(server: Served, kernel: str) -> None:
    """Server and kernel are forks of templates of this job; a kernel lives on without it."""
    assert b"template" in _cmdline(_parent((await server.link.status()).pid or 0))
    who = "import os; print('I', os.getpid(), os.getppid())"
    before, template = (await server.compute(kernel, who, "I")).split()[1:]
    assert b"sampan_kernels.template\0kernel" in _cmdline(int(template))
    assert (await server.call("POST", f"api/kernels/{kernel}/restart")).status_code == 200
    after, again = (await server.compute(kernel, who, "I")).split()[1:]
    assert after != before
    assert again == template
    os.kill(int(template), signal.SIGKILL)
    await until(lambda: str(_parent(int(after))) != template)
    assert (await server.compute(kernel, who, "I")).split()[1] == after
    assert (await server.call("POST", f"api/kernels/{kernel}/restart")).status_code == 200
    assert (await server.compute(kernel, who, "I")).split()[1] != after


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])


def _check_secrets(server: Served) -> None:
    """Whoever may look at process lists or files finds no token."""
    for pid in (server.job.process.pid, *server.processes()):
        assert TOKEN.encode() not in _cmdline(pid)
    places = (server.job.directory.parents[2], Path(server.link.greeting.sockets))
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
    sockets = [path for path in places[1].rglob("*") if path.is_socket()]
    assert max(len(str(path)) for path in sockets) < 100


def _cmdline(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _descendants(pid: int) -> list[int]:
    children = [
        int(child)
        for file in Path(f"/proc/{pid}/task").glob("*/children")
        for child in file.read_text().split()
    ]
    return children + [below for child in children for below in _descendants(child)]


_ASK = """
import json, os, multiprocessing
from ipykernel import debugger
print(json.dumps({
    "cwd": os.getcwd(), "node": os.environ["SAMPAN_NODE"], "broker": os.environ["SAMPAN_BROKER_URL"],
    "debugger": debugger._is_debugpy_available,
}))
child = multiprocessing.get_context("fork").Process(target=lambda: print("from a fork", flush=True))
child.start()
child.join(10)
"""
