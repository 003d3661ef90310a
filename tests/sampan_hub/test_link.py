"""The link to a real launcher, to impostors, and to nobody."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncssh
import pytest

from sampan.errors import Refused, Unavailable, Unreachable
from sampan_hub.link import Link, Status
from sampan_hub.report import Report
from tests.launched import MASTER, TAG, Launched, launched
from tests.waiting import until


@asynccontextmanager
async def echo(path: str) -> AsyncIterator[None]:
    """Something that listens where the server would, and sends back what it gets."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, path)
    yield
    server.close()


@asynccontextmanager
async def says(text: bytes) -> AsyncIterator[tuple[str, int]]:
    """An address on this machine where whoever comes is told `text`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(text)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[:2]
    server.close()


async def heard(path: str) -> bytes:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b"?")
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def test_streams_reach_the_server_and_ends_are_passed_on() -> None:
    async with launched() as job:
        link = await job.link()
        with pytest.raises(Unavailable):
            await link.open_server()
        async with echo(f"{link.greeting.sockets}/server.sock"):
            reader, writer = await link.open_server()
            writer.write("中文".encode() * 100_000)
            writer.write_eof()
            assert await reader.read() == "中文".encode() * 100_000
        await link.close()


async def test_brings_the_hub_and_the_broker_to_the_job() -> None:
    async with launched() as job, says(b"hub") as hub, says(b"broker") as broker:
        link = await job.link(hub=hub, broker=broker)
        assert await heard(f"{link.greeting.sockets}/hub.sock") == b"hub"
        assert await heard(f"{link.greeting.sockets}/broker.sock") == b"broker"
        await link.close()


async def test_is_made_again_and_leads_to_where_the_hub_is_now() -> None:
    async with launched() as job, says(b"before") as before, says(b"after") as after:
        link = await job.link(hub=before)
        assert await heard(f"{link.greeting.sockets}/hub.sock") == b"before"
        await link.close()
        link = await job.link(hub=after)
        assert await heard(f"{link.greeting.sockets}/hub.sock") == b"after"
        # And also when the launcher has not noticed that the last one is gone.
        again = await job.link(hub=before)
        assert await heard(f"{link.greeting.sockets}/hub.sock") == b"before"
        await again.close()


async def test_a_lost_link_says_so_at_once() -> None:
    async with launched() as job:
        link = await job.link()
        job.process.kill()
        await asyncio.wait_for(link.closed.wait(), 5)
        assert [event async for event in link.events()] == []
        for call in (link.status(), link.stop(), link.log()):
            with pytest.raises(Unreachable):
                await call
        with pytest.raises(Unavailable):
            await link.open_server()
        with pytest.raises(Unreachable):
            await job.link()
        await link.close()


async def test_tells_when_the_server_listens() -> None:
    async with launched() as job:
        link = await job.link()
        assert await link.status() == Status()
        await link.start("server", "/user/alice/", {})
        async with echo(f"{link.greeting.sockets}/server.sock"):
            assert await anext(link.events()) == {"event": "ready"}
            assert (await link.status()).ready
        await link.close()


async def test_another_attempts_launcher_is_refused() -> None:
    async with launched() as job:
        with pytest.raises(Refused, match="tag"):
            await job.link(tag="sampan-test-abcd1234-2")
        # The refusal leaves the launcher as it was.
        await (await job.link()).close()


async def test_a_launcher_that_does_not_know_us_is_refused() -> None:
    async with launched() as job:
        with pytest.raises(Refused) as caught:
            await job.link(key=asyncssh.generate_private_key("ssh-ed25519"))
        assert caught.value.code == "link.identity"


class Impostor(asyncssh.SSHServer):
    """Has the right host key, as a broken or newer launcher would, and says whatever the test wants."""

    def __init__(self, words: bytes) -> None:
        self._words = words

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return True

    def unix_server_requested(self, listen_path: str) -> Any:
        return asyncssh.SSHListener()

    def session_requested(self) -> Any:
        words = self._words

        class Session(asyncssh.SSHServerSession[bytes]):
            def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
                self._channel = chan

            def subsystem_requested(self, subsystem: str) -> bool:
                return True

            def session_started(self) -> None:
                self._channel.write(words)

            def data_received(self, data: bytes, datatype: int | None) -> None: ...

        return Session()


@asynccontextmanager
async def impostor(words: bytes) -> AsyncIterator[Launched]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: Impostor(words),
        server_host_keys=[key],
        encoding=None,
        config=None,
    )
    text = key.export_public_key().decode().strip()
    async with server:
        yield Launched(None, None, Report(1, server.get_port(), "n1", 77, text))  # type: ignore[arg-type]


def hello(**changed: object) -> bytes:
    told = {
        "protocol": 1,
        "speaks": [1],
        "tag": TAG,
        "node": "n1",
        "pid": 77,
        "version": "1",
        "sockets": "/tmp/sampan-x",
        "deadline": 1,
    }
    return json.dumps({"hello": told | changed}).encode() + b"\n"


async def test_a_launcher_of_the_last_version_is_kept() -> None:
    """FAULTS 25: the hub was upgraded while its job runs; what is said to it is what it knows."""
    old = (
        hello(version="0.1.0", protocol=1, speaks=[1])
        + b'{"id": 1, "ok": true, "child": null, "ready": false}\n'
    )
    async with impostor(old) as job:
        link = await job.link()
        assert (link.greeting.protocol, link.greeting.version) == (1, "0.1.0")
        assert await link.status() == Status()
        with pytest.raises(Unavailable):
            await link.open_kernel("shell", deadline=1)
        assert not link.closed.is_set(), "what it does not know does not cut it off"
        await link.close()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (hello(node="n2"), "link.greeting"),
        (hello(sockets="/etc"), "link.greeting"),
        (hello(speaks=[3]), "link.protocol"),
        (b"SSH-2.0\n", "link.greeting"),
        (b"x" * 300_000 + b"\n", "link.greeting"),
    ],
)
async def test_a_wrong_greeting_is_refused(words: bytes, code: str) -> None:
    async with impostor(words) as job:
        with pytest.raises(Refused) as caught:
            await job.link()
        assert caught.value.code == code


async def test_a_silent_launcher_is_given_up_in_time() -> None:
    async with impostor(b"") as job:
        began = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            await job.link(deadline=0.5)
        assert caught.value.code == "link.timeout"
        assert time.monotonic() - began < 3


async def test_a_port_that_accepts_and_says_nothing_is_given_up_in_time() -> None:
    async with impostor(b"") as job:
        held: list[asyncio.StreamWriter] = []
        server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
        report = Report(1, server.sockets[0].getsockname()[1], "n1", 77, job.report.host_key)
        with pytest.raises(Unavailable):
            await job.link(report=report, deadline=0.5)
        server.close()
        for writer in held:
            writer.close()


async def ask(words: bytes) -> Link:
    async with impostor(hello() + words) as job:
        link = await job.link()
        await until(link.closed.is_set)
        await link.close()
        return link


@pytest.mark.parametrize(
    "words", [b"nonsense\n", b"[1]\n", b'{"id": [1]}\n', b"[" * 100_000 + b"\n", b"x" * 3_000_000]
)
async def test_nonsense_ends_the_link(words: bytes) -> None:
    await ask(words)


async def test_an_answer_of_the_wrong_shape_is_refused() -> None:
    async with impostor(hello() + b'{"event": "exit", "code": "x", "tail": 5}\n{"event": "?"}\n') as job:
        link = await job.link()
        events = link.events()
        assert await anext(events) == {"event": "exit", "code": None, "tail": ""}
        assert await anext(events) == {"event": "unknown"}
        with pytest.raises(Unavailable):
            await link.status(deadline=0.2)
        await link.close()


async def test_uses_no_key_of_this_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an agent nor a configuration file takes part."""
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nonexistent/agent")
    monkeypatch.setenv("HOME", "/nonexistent")
    async with launched() as job:
        link = await job.link(key=MASTER.client_key(TAG))
        await link.close()
