"""A websocket and a stream as one, for as long as both live and somebody may."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
import pytest_asyncio
from fastapi import FastAPI, WebSocket
from tornado.websocket import websocket_connect

from sampan_hub import socket_stream
from sampan_hub.broker import _server
from sampan_hub.socket_stream import CUT, ENDED, VOID, Inside, carry


class Mirror:
    """Both ends of a stream that gives back what it is given; `closed` says how it ended."""

    def __init__(self) -> None:
        self.reader = asyncio.StreamReader()
        self.channel = self
        self.closed = ""

    def write(self, data: bytes) -> None:
        if data == b"end":
            self.reader.feed_eof()
        else:
            self.reader.feed_data(data)

    async def drain(self) -> None:
        """It takes whatever comes."""

    def close(self) -> None:
        self.closed = "in order"

    def abort(self) -> None:
        self.closed = "cut"


class Carried:
    """An application with one stream, and what decides how long it lasts."""

    def __init__(self) -> None:
        self.allowed, self.lives, self.port = True, True, 0
        self.mirror = Mirror()
        self.app = FastAPI()
        self.app.websocket("/")(self._answer)

    async def _answer(self, websocket: WebSocket) -> None:
        cut = asyncio.Event()
        await websocket.accept()

        async def still() -> bool:
            if not self.lives:
                cut.set()
            return self.allowed

        await carry(websocket, cast("Inside", (self.mirror.reader, self.mirror)), cut, still)


@pytest_asyncio.fixture
async def carried(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Carried]:
    monkeypatch.setattr(socket_stream, "LOOK", 0.01)
    made = Carried()
    server = _server(made.app)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made.port = listening.getsockname()[1]
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        yield made
        server.should_exit = True
        await serving


async def _end(carried: Carried, **changes: Any) -> tuple[int | None, str]:
    """With what code the websocket is closed, and how the stream, after something has changed."""
    async with asyncio.timeout(20):
        outside = await websocket_connect(f"ws://127.0.0.1:{carried.port}/")
        await outside.write_message(b"there and back", binary=True)
        assert await outside.read_message() == b"there and back"
        for name, value in changes.items():
            setattr(carried, name, value)
        if not changes:
            await outside.write_message(b"end", binary=True)
        assert await outside.read_message() is None
    outside.close()
    return outside.close_code, carried.mirror.closed


async def test_it_ends_when_the_stream_does(carried: Carried) -> None:
    assert await _end(carried) == (ENDED, "in order")


async def test_it_is_cut_with_the_link(carried: Carried) -> None:
    assert await _end(carried, lives=False) == (CUT, "cut")


async def test_it_ends_when_whoever_opened_it_may_no_more(carried: Carried) -> None:
    """A token that was taken back opens nothing new, and nothing that it opened goes on."""
    assert await _end(carried, allowed=False) == (VOID, "in order")
