from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from sampan.errors import Unavailable
from sampan_hub.authority import Authority
from sampan_hub.certificates import Request, Signed, order
from sampan_hub.credentials import MARGIN, Credentials
from tests.sampan_hub.descriptions import far
from tests.sampan_hub.test_certificates import described

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


BROKEN = Signed("ssh-ed25519-cert-v01@openssh.com " + "A" * 400, 5).to_line()


@contextlib.asynccontextmanager
async def signer(path: Path, talk: Talk) -> AsyncIterator[Credentials]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer)
        writer.close()

    async with await asyncio.start_unix_server(serve, str(path)):
        yield Credentials(path, "core")


async def test_a_key_of_ones_own_with_the_certificate_for_it(tmp_path: Path) -> None:
    authority, asked = Authority(tmp_path / "ca", "test1"), []

    async def sign(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = Request.from_line(await reader.readline())
        asked.append(request)
        wanted = order(described(far()), request.account, hub="test1", now=time.time(), minutes=5)
        certificate, _ = authority.sign(wanted, request.key)
        text = certificate.export_certificate("openssh").decode().strip()
        writer.write(Signed(text, wanted.valid_before).to_line())

    async with signer(tmp_path / "s", sign) as credentials:
        one, two = [await credentials.fetch("hpc0042") for _ in range(2)]
    assert [(request.centre, request.account) for request in asked] == [("core", "hpc0042")] * 2
    assert asked[0].key != asked[1].key, "a key serves for one certificate"
    assert one.key.has_cert
    assert one.key.public_data != two.key.public_data
    assert one.good
    assert abs(one.until - time.monotonic() - (300 - MARGIN)) < 5
    assert "PRIVATE" not in repr(one)


async def test_nobody_listens(tmp_path: Path) -> None:
    for credentials in (Credentials(tmp_path / "nowhere", "core"), Credentials(None, "core")):
        with pytest.raises(Unavailable) as caught:
            await credentials.fetch("hpc0042")
        assert caught.value.code == "signer.away"


@pytest.mark.parametrize(
    "answer", [b"", b"hello\n", b"{}\n", b'{"certificate": ', BROKEN, b"x" * 100_000 + b"\n"]
)
async def test_what_is_no_answer(tmp_path: Path, answer: bytes) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)

    async with signer(tmp_path / "s", say) as credentials:
        with pytest.raises(Unavailable) as caught:
            await credentials.fetch("hpc0042")
    assert caught.value.code == "signer.away"


async def test_one_that_hangs(tmp_path: Path) -> None:
    enough = asyncio.Event()

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await enough.wait()

    async with signer(tmp_path / "s", say) as credentials:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await credentials.fetch("hpc0042", deadline=0.2)
        assert time.monotonic() - began < 3
        enough.set()
