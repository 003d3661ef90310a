"""What a page has got is told as soon as it is on its way to it, and what it has not got is not: over a real websocket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import zmq
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.services.kernels.kernelmanager import ServerKernelManager
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application
from tornado.websocket import WebSocketHandler
from zmq.eventloop.zmqstream import ZMQStream

from sampan_kernels.page_way import PageWay
from sampan_kernels.provisioner import CentreProvisioner
from sampan_kernels.seen import reply_to
from tests.waiting import until

HELLO = (
    "GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
PROTOCOLS = ["", "v1.kernel.websocket.jupyter.org"]
MORE_THAN_A_SOCKET_HOLDS = 64 * 2**20


class Told(CentreProvisioner):
    """Of a kernel whose messages come from this test."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ids: list[str] = []

    def told(self, message: str) -> None:
        self.ids.append(message)


class Page(KernelWebsocketHandler):
    """Jupyter's, without its login and without a kernel behind it."""

    async def prepare(self) -> None:  # type: ignore[override]
        pass

    @allow_unauthenticated
    async def get(self) -> None:  # type: ignore[override]
        await WebSocketHandler.get(self)

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return subprotocols[0] if subprotocols else None

    async def open(self) -> None:  # type: ignore[override]
        self.application.settings["ways"].append(
            PageWay(parent=self.application.settings["kernel"], websocket_handler=self)
        )

    def on_close(self) -> None:
        pass


@asynccontextmanager
async def a_page(protocol: str = "") -> AsyncIterator[tuple[PageWay, list[str], asyncio.StreamReader]]:
    """The way to a page, what was told of it, and the page's end, which reads when it is read."""
    kernel, ways = ServerKernelManager(), list[PageWay]()
    kernel.provisioner = provisioner = Told(parent=kernel)
    server = HTTPServer(Application([("/", Page)], kernel=kernel, ways=ways))
    sock, port = bind_unused_port()
    server.add_socket(sock)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        spoken = f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else ""
        writer.write(f"{HELLO}{spoken}\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        await until(lambda: ways)
        yield ways[0], provisioner.ids, reader
    finally:
        writer.transport.abort()
        server.stop()
        await server.close_all_connections()


@pytest.fixture
def stream() -> Any:
    context = zmq.Context()
    made = ZMQStream(context.socket(zmq.SUB))
    yield made
    made.close(linger=0)
    context.term()


def message(protocol: str, number: str, kind: str = "stream", parent: str = "", text: str = "") -> Any:
    """As that protocol of Jupyter's passes it on."""
    header, parent_header = {"msg_id": number, "msg_type": kind}, {"msg_id": parent}
    content = {"text": text}
    if protocol:
        return [json.dumps(part).encode() for part in (header, parent_header, {}, content)]
    told = {"header": header, "parent_header": parent_header, "metadata": {}, "content": content}
    return {**told, "buffers": []}


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_what_is_on_its_way_to_a_page_is_told(stream: Any, protocol: str) -> None:
    async with a_page(protocol) as (way, told, page):
        stream.channel = "iopub"
        way._on_zmq_reply(stream, message(protocol, "a"))
        assert told == ["a"]
        stream.channel = "shell"
        way._on_zmq_reply(stream, message(protocol, "b", "execute_reply", "the cell"))
        way._on_zmq_reply(stream, message(protocol, "c", "complete_reply", "a question"))
        assert told == ["a", reply_to("the cell")]
        assert await page.read(1)


async def test_what_a_page_does_not_read_is_told_when_it_reads(stream: Any) -> None:
    async with a_page() as (way, told, page):
        stream.channel = "iopub"
        way._on_zmq_reply(stream, message("", "large", text="x" * MORE_THAN_A_SOCKET_HOLDS))
        way._on_zmq_reply(stream, message("", "behind it"))
        for _ in range(20):
            await asyncio.sleep(0)
        assert told == []
        read = asyncio.create_task(page.readexactly(MORE_THAN_A_SOCKET_HOLDS))
        await until(lambda: told == ["large", "behind it"])
        read.cancel()
        await asyncio.gather(read, return_exceptions=True)


async def test_what_a_page_that_is_lost_has_not_read_is_never_told(stream: Any) -> None:
    async with a_page() as (way, told, page):
        stream.channel = "iopub"
        way._on_zmq_reply(stream, message("", "large", text="x" * MORE_THAN_A_SOCKET_HOLDS))
        written = way.websocket_handler.ws_connection
        assert written is not None
        assert written.stream is not None
        written.stream.close()
        way._on_zmq_reply(stream, message("", "after it"))
        for _ in range(20):
            await asyncio.sleep(0)
        assert told == []
        assert page.at_eof() or await page.read()


async def test_a_kernel_of_this_machine_is_left_alone(stream: Any) -> None:
    async with a_page() as (way, told, page):
        way.kernel_manager.provisioner = None
        stream.channel = "iopub"
        way._on_zmq_reply(stream, message("", "a"))
        assert told == []
        assert await page.read(1)
