"""What a kernel publishes while nobody listens is told to whoever comes: by a real launcher, on the kernel's own sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from zmq.asyncio import Context, Socket

from sampan_hub.kernel_sockets import SOCKETS
from sampan_hub.link import Link
from tests.sampan_kernels.test_kernel_launch import client, kernel, ready, run


@asynccontextmanager
async def listener(link: Link, **options: Any) -> AsyncIterator[Socket]:
    """One more subscriber, that reads when it is read."""
    keys = await link.keys()
    context = Context()
    socket = context.socket(zmq.SUB)
    socket.curve_publickey, socket.curve_secretkey = (
        keys["curve_publickey"].encode(),
        keys["curve_secretkey"].encode(),
    )
    socket.curve_serverkey = keys["curve_publickey"].encode()
    for name, value in options.items():
        setattr(socket, name, value)
    socket.subscribe(b"")
    socket.connect(f"ipc://{link.greeting.sockets}/{SOCKETS['iopub']}")
    yield socket
    context.destroy(linger=0)


async def printed(socket: Socket, until: str) -> str:
    """All text that comes, up to `until`."""
    said = ""
    async with asyncio.timeout(30):
        while until not in said:
            frames = await socket.recv_multipart()
            content = json.loads(frames[-1]) if frames[-1:] else {}
            said += content.get("text", "")
    return said


async def run_unheard(person: AsyncKernelClient, code: str) -> None:
    """Returns when the kernel says that it has run it; nobody listens to what it publishes."""
    message = person.execute(code)
    async with asyncio.timeout(30):
        while (await person.get_shell_msg())["parent_header"]["msg_id"] != message:
            pass


async def test_output_made_while_nobody_listens_is_told_to_whoever_comes() -> None:
    async with kernel() as (_, link):
        async with client(link) as person:
            person.iopub_channel.stop()
            await run_unheard(person, "for i in range(2000): print('line', i, flush=True)")
            await run_unheard(person, "print('the end')")
        async with listener(link) as late:
            said = await printed(late, "the end")
        assert [f"line {i}\n" in said for i in (0, 999, 1999)] == [True] * 3
        assert said.index("line 0\n") < said.index("line 1999\n") < said.index("the end")
        async with listener(link) as later:
            assert "line 0\n" in await printed(later, "the end"), (
                "again: it may have been lost with the first"
            )


async def test_one_that_reads_nothing_stops_neither_the_kernel_nor_the_messages() -> None:
    async with kernel() as (_, link), listener(link, rcvhwm=1, rcvbuf=4096) as lazy:
        async with client(link) as person:
            person.iopub_channel.stop()
            await run_unheard(person, "print('begin')")
            await printed(lazy, "begin")
            await run_unheard(person, "for i in range(3000): print('x' * 1000, i, flush=True)")
            await run_unheard(person, "print('the end')")
        said = await printed(lazy, "the end")
        assert [f"x {i}\n" in said for i in range(0, 3000, 100)] == [True] * 30


async def test_after_a_restart_the_new_one_is_heard_and_the_old_one_not_forgotten() -> None:
    async with kernel() as (_, link):
        async with client(link) as person:
            assert await run(person, "print('before')") == "before"
        await link.restart()
        await ready(link)
        async with client(link) as person:
            assert await run(person, "print('after')") == "after", "from its first cell on"
        async with listener(link) as late:
            assert "before" in await printed(late, "after")


async def test_the_first_cell_is_heard_whenever_the_kernel_is_ready() -> None:
    """Ready is told only when the kernel has said that its publishing is heard."""
    async with kernel() as (_, link):
        for number in range(5):
            await link.restart()
            await ready(link)
            async with client(link) as person:
                assert await run(person, f"print({number})") == str(number)
