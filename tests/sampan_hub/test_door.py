"""A door with a real link behind it, with none, and with one that is lost in the middle."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from sampan.messages import Message
from sampan_hub import door as doors_module
from sampan_hub.door import Door
from sampan_hub.link import Link
from tests.launched import Launched, launched
from tests.waiting import until

OURS = frozenset({os.geteuid()})
NOBODY = 65534
WHY = Message("launch.queued", {"centre": "Alpha", "place": 3})
REQUEST = b"GET /user/a/lab HTTP/1.1\r\n\r\n"
BIG = 200 * 1024 * 1024

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def opened(
    accounts: frozenset[int] = OURS, *, expecting: bool = False, prefix: str = "/"
) -> AsyncIterator[Door]:
    sock = socket.create_server(("127.0.0.1", 0))
    door = Door(
        "abcd1234", sock, accounts=accounts, explain=lambda _: (WHY, 30), expecting=expecting, prefix=prefix
    )
    yield door
    await door.close()


@asynccontextmanager
async def behind(door: Door, serve: Serve) -> AsyncIterator[tuple[Launched, Link]]:
    """A launcher whose server is `serve`, linked and attached."""
    async with launched() as job:
        link = await job.link()
        server = await asyncio.start_unix_server(serve, f"{link.greeting.sockets}/server.sock")
        door.attach(link)
        yield job, link
        server.close()
        await link.close()


async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An HTTP server that tells what it was asked, headers and all."""
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(head), head))
    await writer.drain()
    writer.close()


async def get(door: Door, path: str = "/user/a/lab", **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=20) as client:
        return await client.get(door.url + path, headers=headers)


async def test_passes_requests_on_unread() -> None:
    async with opened() as door, behind(door, hello):
        answer = await get(door, Host="hub.example", Cookie="a=1; b=2", Accept="text/html")
        assert answer.status_code == 200
        assert "Host: hub.example\r\n" in answer.text
        assert "Cookie: a=1; b=2\r\n" in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *((path, 200) for path in ("/user/a%40b/", "/user/a@b/lab?token=1", "/user/a@b")),
        *((path, 424) for path in ("/user/a%40bc/lab", "/user/bo/lab", "/hub/home", "/", "/?/user/a@b/")),
    ],
)
async def test_only_what_asks_for_its_server_is_let_through(path: str, status: int) -> None:
    """A route of before a database was lost may lead to a port that another launch's door has now: with whose cookies?"""
    reached = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(path)
        await hello(reader, writer)

    async with opened(prefix="/user/a%40b/") as door, behind(door, serve):
        answer = await get(door, path, Cookie="secret=1")
        assert answer.status_code == status
        assert bool(reached) == (status == 200)
        assert (Message("door.another").say("zh") in answer.text) == (status == 424)


async def test_two_hundred_megabytes_arrive_as_they_were() -> None:
    piece = os.urandom(1024 * 1024)
    sent, got = hashlib.sha256(), hashlib.sha256()

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in range(BIG // len(piece)):
            part = number.to_bytes(8, "big") + piece[8:]
            sent.update(part)
            writer.write(part)
            await writer.drain()
        writer.close()

    async with opened() as door, behind(door, pour):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(REQUEST)
        size = 0
        while part := await reader.read(1024 * 1024):
            got.update(part)
            size += len(part)
        writer.close()
        assert size == BIG
        assert got.digest() == sent.digest()


async def test_a_reader_that_stops_stops_the_sender() -> None:
    """Back-pressure: what nobody takes is not collected here."""
    written = 0

    async def pour(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
            written += 65536

    async with opened() as door, behind(door, pour):
        _, writer = await asyncio.open_connection("127.0.0.1", door.port, limit=4096)
        writer.write(REQUEST)
        seen = -1
        async with asyncio.timeout(20):
            while seen != written:  # two looks with nothing in between
                seen = written
                await asyncio.sleep(0.3)
        assert 0 < written < 64 * 1024 * 1024
        writer.transport.abort()


async def test_each_way_ends_by_itself() -> None:
    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(str(len(await reader.read())).encode())
        writer.close()

    async with opened() as door, behind(door, count):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(b"x" * 300_000)
        writer.write_eof()
        assert await reader.read() == b"300000"
        writer.close()


async def test_a_lost_link_cuts_what_goes_through_it() -> None:
    """Cut, not ended: whoever reads must not take half an answer for a whole one."""

    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhalf of the ")
        await reader.read()  # until the launcher is gone
        writer.close()

    async with opened() as door, behind(door, half) as (job, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(REQUEST)
        assert (await reader.read(1000)).endswith(b"half of the ")
        job.process.kill()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 5)
        writer.close()


async def test_waits_for_a_link_that_comes_back() -> None:
    async with opened() as door, behind(door, hello) as (job, link):
        assert (await get(door)).status_code == 200
        await link.close()
        waiting = asyncio.create_task(get(door))
        await until(lambda: len(door._connections) == 1)
        again = await job.link()
        door.attach(again)
        assert (await waiting).status_code == 200
        await again.close()


async def test_a_door_of_before_a_restart_waits_too() -> None:
    async with opened(expecting=True) as door:
        waiting = asyncio.create_task(get(door))
        await until(lambda: len(door._connections) == 1)
        async with behind(door, hello):
            assert (await waiting).status_code == 200


async def test_does_not_wait_longer_than_people_like(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors_module, "PATIENCE", 0.2)
    async with opened(expecting=True) as door:
        began = time.monotonic()
        assert (await get(door)).status_code == 424
        assert 0.2 <= time.monotonic() - began < 2


async def test_answers_by_itself_while_there_is_nothing_behind() -> None:
    async with opened() as door:
        page = await get(door, Accept="text/html")
        assert page.status_code == 424
        assert WHY.say("zh") in page.text
        program = await get(door, "/user/a/api/status")
        assert json.loads(program.text)["error"]["code"] == "launch.queued"


async def test_answers_by_itself_while_the_server_does_not_listen() -> None:
    async with opened() as door, launched() as job:
        link = await job.link()
        door.attach(link)
        assert (await get(door)).status_code == 424
        await link.close()


async def test_answers_an_upgrade() -> None:
    async with opened() as door:
        answer = await get(door, "/user/a/terminals/websocket/1", Upgrade="websocket", Connection="Upgrade")
        assert answer.status_code == 424
        assert answer.headers["content-type"] == "application/json"


async def test_answers_an_upload_and_what_is_no_request() -> None:
    async with opened() as door, httpx.AsyncClient() as client:
        answer = await client.put(f"{door.url}/user/a/api/contents/x", content=b"x" * 100_000)
        assert answer.status_code == 424
        for words in (b"\0\0\0", b"x" * 100_000):
            reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
            writer.write(words)
            writer.write_eof()
            assert (await reader.read()).startswith(b"HTTP/1.1 424 ")
            writer.close()


async def test_gives_up_on_who_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors_module, "HEAD_SECONDS", 0.2)
    async with opened() as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 5)
        writer.close()


async def test_leads_to_the_next_attempt() -> None:
    def named(name: bytes) -> Serve:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + name)
            writer.close()

        return serve

    async with opened() as door:
        async with behind(door, named(b"first")):
            assert (await get(door)).text == "first"
        door.detach()
        assert (await get(door)).status_code == 424
        async with behind(door, named(b"second")):
            assert (await get(door)).text == "second"


async def test_is_closed_to_other_accounts(caplog: pytest.LogCaptureFixture) -> None:
    """As root somebody else knocks; without root, we knock where we are not expected."""
    become = (
        [shutil.which("setpriv") or "setpriv", f"--reuid={NOBODY}", "--clear-groups"]
        if os.geteuid() == 0
        else []
    )
    program = (
        "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1])));"
        "s.sendall(b'GET / HTTP/1.1\\r\\n\\r\\n');\n"
        "try: sys.stdout.buffer.write(s.recv(100))\n"
        "except ConnectionResetError: pass"
    )
    async with opened(OURS if become else frozenset({os.geteuid() + 1})) as door, behind(door, hello):
        with caplog.at_level(logging.WARNING):
            client = await asyncio.create_subprocess_exec(
                *(*become, os.path.realpath(sys.executable), "-c", program, str(door.port)),
                cwd="/",
                stdout=asyncio.subprocess.PIPE,
            )
            out, _ = await asyncio.wait_for(client.communicate(), 20)
        assert out == b""
        assert client.returncode == 0
        assert f"account {NOBODY if become else os.geteuid()}" in caplog.text
        if become:
            assert (await get(door)).status_code == 200
