"""The sockets of a kernel elsewhere, with a kernel of four sockets behind them that says what a test wants said."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from zmq.asyncio import Context, Socket

from sampan.messages import Message
from sampan_kernels import relay
from sampan_kernels.connection import PORTS, Connection
from sampan_kernels.kept import Kept
from sampan_kernels.parcel import Parcel
from sampan_kernels.relay import Relay
from sampan_kernels.seen import Seen


class Scripted:
    """A kernel's sockets. `hear` is what comes next on shell, `say` publishes, `reply` answers."""

    def __init__(self, folder: Path) -> None:
        self.connection = Connection.make(folder / "there")
        self._context = Context()
        self.sockets: dict[str, Socket] = {}
        for name in ("shell", "iopub", "stdin", "control"):
            socket = self._context.socket(zmq.PUB if name == "iopub" else zmq.ROUTER)
            socket.curve_publickey = self.connection.public.encode()
            socket.curve_secretkey = self.connection.secret.encode()
            socket.curve_server, socket.linger = True, 0
            socket.bind(f"ipc://{self.connection.ip}-{PORTS[name]}")
            self.sockets[name] = socket

    async def hear(self, kind: str) -> Parcel:
        async with asyncio.timeout(10):
            while True:
                frames = await self.sockets["shell"].recv_multipart()
                parcel = Parcel.open(frames, self.connection.key)
                assert parcel is not None, "what comes here is signed with the job's key"
                if parcel.kind == kind:
                    return parcel

    async def say(self, kind: str, content: dict[str, Any], asked: Parcel) -> Parcel:
        parcel = Parcel.make(kind, content, asked, (kind.encode(),))
        await self.send("iopub", parcel)
        return parcel

    async def send(self, name: str, parcel: Parcel) -> None:
        await self.sockets[name].send_multipart(parcel.frames(self.connection.key))

    async def run(self, asked: Parcel, count: int, text: str) -> list[Parcel]:
        """All that is published of a cell that prints `text`."""
        return [
            await self.say("status", {"execution_state": "busy"}, asked),
            await self.say("execute_input", {"code": "", "execution_count": count}, asked),
            await self.say("stream", {"name": "stdout", "text": text}, asked),
            await self.say("status", {"execution_state": "idle"}, asked),
        ]

    def close(self) -> None:
        self._context.destroy(linger=0)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as short:
        yield Path(short)


@asynccontextmanager
async def led(folder: Path) -> AsyncIterator[tuple[Relay, Scripted, AsyncKernelClient]]:
    """A relay that leads, with a client that it has met."""
    kernel, here = Scripted(folder), Relay(folder, Seen(), Kept(), "en")
    client = _client(here)
    try:
        await here.lead(kernel.connection.ip, kernel.connection.to_json(), "sampan-test")
        client.kernel_info()
        await kernel.hear("kernel_info_request")
        await asyncio.sleep(0.3)  # PUB tells nobody whether it is listened to
        yield here, kernel, client
    finally:
        client.stop_channels()
        await here.close()
        kernel.close()


def _client(here: Relay, page: str = "") -> AsyncKernelClient:
    client = AsyncKernelClient()
    told: Any = here.connection
    client.load_connection_info(told)
    if page:
        client.session.session = page
    client.start_channels()
    return client


async def _said(client: AsyncKernelClient, asked: str, kind: str, wait: float = 10) -> dict[str, Any]:
    async with asyncio.timeout(wait):
        while True:
            message = await client.get_iopub_msg(timeout=wait)
            if (message["parent_header"].get("msg_id"), message["msg_type"]) == (asked, kind):
                found: dict[str, Any] = message["content"]
                return found


async def _up_to_idle(client: AsyncKernelClient, asked: str) -> list[str]:
    """The kinds of what is published of a cell, up to its end."""
    kinds = []
    async with asyncio.timeout(10):
        while True:
            message = await client.get_iopub_msg(timeout=10)
            if message["parent_header"].get("msg_id") == asked:
                kinds.append(message["msg_type"])
                if message["content"].get("execution_state") == "idle":
                    return kinds


async def _replied(client: AsyncKernelClient, asked: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            message = await client.get_shell_msg(timeout=10)
            if message["parent_header"].get("msg_id") == asked:
                found: dict[str, Any] = message["content"]
                return found


async def test_what_is_published_again_is_passed_on_once(folder: Path) -> None:
    async with led(folder) as (_, kernel, client):
        number = client.execute("print(1)")
        asked = await kernel.hear("execute_request")
        published = await kernel.run(asked, 1, "1")
        for parcel in published:
            await kernel.send("iopub", parcel)
        await kernel.say("stream", {"name": "stdout", "text": "2"}, asked)
        assert (await _said(client, number, "stream"))["text"] == "1"
        assert (await _said(client, number, "stream"))["text"] == "2"


async def test_a_reply_that_is_lost_is_made_up_from_what_was_published(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "LOST", 0.2)
    async with led(folder) as (_, kernel, client):
        number = client.execute("print(1)")
        await kernel.run(await kernel.hear("execute_request"), 7, "1")
        reply = await _replied(client, number)
        assert (reply["status"], reply["execution_count"]) == ("ok", 7)

        number = client.execute("1/0")
        asked = await kernel.hear("execute_request")
        error = {"ename": "ZeroDivisionError", "evalue": "division by zero", "traceback": ["…"]}
        await kernel.say("error", error, asked)
        await kernel.say("status", {"execution_state": "idle"}, asked)
        reply = await _replied(client, number)
        assert (reply["status"], reply["ename"]) == ("error", "ZeroDivisionError")


async def test_a_reply_that_came_is_not_made_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "LOST", 0.2)
    async with led(folder) as (_, kernel, client):
        number = client.execute("print(1)")
        asked = await kernel.hear("execute_request")
        await kernel.run(asked, 1, "1")
        content = {"status": "ok", "execution_count": 1, "of": "the kernel"}
        await kernel.send("shell", Parcel.make("execute_reply", content, asked, asked.address))
        assert (await _replied(client, number))["of"] == "the kernel"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.6):
                await _replied(client, number)


async def test_the_next_server_makes_up_for_the_one_that_was_killed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had heard the end of the cell, and not yet said so."""
    monkeypatch.setattr(relay, "LOST", 0.2)
    kernel = Scripted(folder)
    published: list[Parcel] = []
    number = ""
    for life in (1, 2):
        (folder / str(life)).mkdir()
        seen = Seen(folder / "seen")
        here = Relay(folder / str(life), seen, Kept(), "en")
        client = _client(here, "the page")
        await here.lead(kernel.connection.ip, kernel.connection.to_json(), "sampan-test")
        client.kernel_info()
        await kernel.hear("kernel_info_request")
        await asyncio.sleep(0.3)
        if life == 1:
            number = client.execute("print(1)")
            published = await kernel.run(await kernel.hear("execute_request"), 1, "1")
            assert (await _said(client, number, "stream"))["text"] == "1"
            for parcel in published[:-1]:
                seen.told(parcel.id)
        else:
            for parcel in published:
                await kernel.send("iopub", parcel)
            assert (await _replied(client, number))["execution_count"] == 1
            heard = await _up_to_idle(client, number)
            assert heard == ["status"], "the end of it, and nothing that the page had before"
        client.stop_channels()
        await here.close()
    kernel.close()


async def test_input_is_asked_for_where_the_cell_came_from(folder: Path) -> None:
    async with led(folder) as (_, kernel, client):
        client.execute("input()")
        asked = await kernel.hear("execute_request")
        ask = Parcel.make("input_request", {"prompt": "?", "password": False}, asked, asked.address)
        await kernel.send("stdin", ask)
        message = await client.get_stdin_msg(timeout=10)
        assert message["content"]["prompt"] == "?"
        client.input("yes")
        frames = await asyncio.wait_for(kernel.sockets["stdin"].recv_multipart(), 10)
        answer = Parcel.open(frames, kernel.connection.key)
        assert answer is not None
        assert answer.content == {"value": "yes"}


async def test_who_asks_at_the_end_is_told_why(folder: Path) -> None:
    async with led(folder) as (here, kernel, client):
        running = client.execute("forever()")
        await kernel.hear("execute_request")
        await here.end(Message("kernel.over", {"why": Message("ended.stopped")}))
        for number in (running, client.execute("more()")):
            reply = await _replied(client, number)
            assert reply["ename"] == "kernel.over"
            assert "variables are gone" in reply["evalue"]


async def test_what_nobody_has_signed_goes_nowhere(folder: Path) -> None:
    async with led(folder) as (_, kernel, client):
        client.session.key = b"another key"
        client.execute("evil()")
        client.session.key = kernel.connection.key.encode()
        client.execute("evil()")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await kernel.hear("execute_request")


async def test_what_waited_at_a_server_that_was_killed_is_run_by_the_next_one_once(folder: Path) -> None:
    kernel, file = Scripted(folder), folder / "kept"
    numbers: list[str] = []
    for life in ("1", "2", "3"):
        (folder / life).mkdir()
        here = Relay(folder / life, Seen(), Kept(file), "en")
        client = _client(here, "the page")
        if life == "1":
            numbers = [client.execute(code) for code in ("first()", "second()")]
            await asyncio.sleep(0.3)
            assert file.stat().st_mode & 0o777 == 0o600
        else:
            await here.lead(kernel.connection.ip, kernel.connection.to_json(), "sampan-test")
            client.kernel_info()
            await kernel.hear("kernel_info_request")
        if life == "2":
            asked = [await kernel.hear("execute_request") for _ in numbers]
            assert [one.content["code"] for one in asked] == ["first()", "second()"]
            content = {"status": "ok", "execution_count": 1}
            await kernel.send("shell", Parcel.make("execute_reply", content, asked[0], asked[0].address))
            assert (await _replied(client, numbers[0]))["status"] == "ok"
        if life == "3":
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await kernel.hear("execute_request")
        client.stop_channels()
        await here.close()
    kernel.close()
