"""One command on a connection, against an SSH server in this process that does odd things."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import asyncssh
import pytest

from sampan_hub.asks import Completed
from sampan_hub.testing.transport_contract import TransportContract, ssh_listener
from sampan_hub.transports.remote_command import NotStartedError, RemoteCommand, TooMuchError
from tests.waiting import until

Process = asyncssh.SSHServerProcess[bytes]
Behaviour = Callable[[Process], Awaitable[None]]


@asynccontextmanager
async def far(behaviour: Behaviour) -> AsyncIterator[asyncssh.SSHClientConnection]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    async with (
        ssh_listener(key, process_factory=behaviour, encoding=None) as port,
        asyncssh.connect("127.0.0.1", port, options=TransportContract.options(key)) as connection,
    ):
        yield connection


async def run(behaviour: Behaviour, stdin: bytes = b"") -> Completed | None:
    async with far(behaviour) as connection:
        command = await RemoteCommand.start(connection, "anything", stdin)
        return await asyncio.wait_for(command.result(), 10)


async def test_what_it_says_and_how_it_ends() -> None:
    async def behave(process: Process) -> None:
        process.stdout.write(b"got " + await process.stdin.read())
        process.stderr.write(b"err\xff")
        process.exit(300 % 256)

    assert await run(behave, b"input") == Completed(44, "got input", "err\N{REPLACEMENT CHARACTER}")


@pytest.mark.parametrize(("name", "status"), [("TERM", -15), ("KILL", -9), ("ODD@vendor", -99)])
async def test_the_end_by_a_signal(name: str, status: int) -> None:
    async def behave(process: Process) -> None:
        process.exit_with_signal(name)

    assert await run(behave) == Completed(status, "", "")


async def test_an_end_that_says_nothing() -> None:
    async def behave(process: Process) -> None:
        process.stdout.write(b"half an answer")
        process.close()

    assert await run(behave) is None


async def test_a_connection_that_goes_in_the_middle() -> None:
    async def behave(process: Process) -> None:
        process.stdout.write(b"half an answer")
        await asyncio.sleep(0.1)
        process.get_extra_info("connection").abort()

    assert await run(behave) is None


async def test_more_than_is_read() -> None:
    async def behave(process: Process) -> None:
        while not process.is_closing():
            process.stdout.write(b"x" * 65536)
            await process.stdout.drain()

    with pytest.raises(TooMuchError):
        await run(behave)


async def test_english_is_asked_for() -> None:
    async def behave(process: Process) -> None:
        process.stdout.write(process.env["LC_ALL"].encode())
        process.exit(0)

    assert await run(behave) == Completed(0, "C.UTF-8", "")


async def test_a_connection_that_has_gone_before() -> None:
    async def behave(process: Process) -> None:
        process.exit(0)

    async with far(behave) as connection:
        connection.abort()
        await connection.wait_closed()
        with pytest.raises(NotStartedError):
            await RemoteCommand.start(connection, "anything", b"")


async def test_whoever_stops_waiting_for_the_start_leaves_nothing_behind() -> None:
    """Cancelled between the question and the answer: the command is killed as soon as it is there."""
    ended = asyncio.Event()

    async def behave(process: Process) -> None:
        # What a handler raises would end the whole connection, and with it what this is about.
        with suppress(asyncssh.SignalReceived, asyncssh.Error):
            await process.stdin.read()
            await process.wait_closed()
        ended.set()

    async with far(behave) as connection:
        for turns in range(12):
            ended.clear()
            starting = asyncio.create_task(RemoteCommand.start(connection, "anything", b""))
            for _ in range(turns):
                await asyncio.sleep(0)
            starting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await starting
            if turns:
                await until(ended.is_set, 10)
