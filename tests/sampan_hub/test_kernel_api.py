"""Kernels as launches of a real broker: asked for by people, spoken to by their owner alone, kept over restarts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from sampan import calls
from sampan.address import Address
from sampan.errors import Conflict, Forbidden, Invalid, Missing, SampanError, Unavailable
from sampan.stream import open_stream
from tests.sampan_hub.real_broker import RealBroker, real_broker
from tests.ways.whole_hub import came

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker() -> AsyncIterator[RealBroker]:
    async with real_broker(lambda made: made.only("east")) as made:
        yield made


def address(broker: RealBroker, user: str = "alice") -> Address:
    """The hub's own way in, as that user."""
    way = broker.state / "run" / "broker.sock"
    return Address.parse(None, socket=way, secret=broker.secret("hub-broker"), user=user)


async def asked(broker: RealBroker, name: str = "", user: str = "alice", **more: Any) -> dict[str, Any]:
    body = {"kind": "kernel", "name": name, "options": {"cores": 1, "memory": 0.5}, **more}
    made: dict[str, Any] = await broker.ask("POST", "/launches", user, json=body)
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kernel(broker: RealBroker) -> AsyncIterator[str]:
    launch = (await asked(broker))["id"]
    shown = await broker.at(launch, "ready")
    assert shown["door"] is None, "nobody's proxy leads to a kernel"
    yield launch
    await broker.ask("DELETE", f"/launches/{launch}", "alice")
    await broker.at(launch, "ended")
    assert broker.live_jobs("east") == []


async def beats(broker: RealBroker, launch: str) -> bytes:
    """ZeroMQ's greeting, as the kernel's heartbeat sends it to whoever connects: the version, and that it wants CURVE."""
    stream = await open_stream(address(broker), launch, "hb")
    # Both sides speak at once: https://rfc.zeromq.org/spec/37/
    await stream.write_message(b"\xff" + bytes(8) + b"\x7f" + b"\x03", binary=True)
    said = b""
    async with asyncio.timeout(10):
        while len(said) < 64:
            part = await stream.read_message()
            assert isinstance(part, bytes), said
            said += part
            if len(said) == 12:
                await stream.write_message(b"\x01CURVE" + bytes(15 + 1 + 31), binary=True)
    stream.close()
    return said


async def test_every_socket_is_a_stream_to_the_kernel(broker: RealBroker, kernel: str) -> None:
    said = await beats(broker, kernel)
    assert (said[:1], said[9:11], said[12:17]) == (b"\xff", b"\x7f\x03", b"CURVE")
    streams = [
        await open_stream(address(broker), kernel, name) for name in ("shell", "iopub", "stdin", "control")
    ]
    for stream in streams:
        stream.close()


async def test_what_is_refused_is_refused_in_words_before_it_begins(broker: RealBroker, kernel: str) -> None:
    server = (await broker.create("alice", "a-server"))["id"]
    ended = (await asked(broker, "short"))["id"]
    await broker.ask("DELETE", f"/launches/{ended}", "alice")
    await broker.at(ended, "ended")
    for who, launch, name, kind, code in (
        ("alice", kernel, "server", Missing, "launch.no_socket"),
        ("alice", kernel, "..", Missing, "launch.no_socket"),
        ("alice", kernel, "pages-0000000g", Missing, "launch.no_socket"),
        ("alice", kernel, "pages-00000000", Unavailable, "link.kernel"),
        ("mallory", kernel, "pages-00000000", Missing, "launch.unknown_id"),
        ("mallory", kernel, "shell", Missing, "launch.unknown_id"),
        ("alice", "nosuchlaunch", "shell", Missing, "launch.unknown_id"),
        ("alice", server, "shell", Conflict, "launch.no_kernel"),
        ("alice", ended, "shell", Conflict, "launch.over"),
    ):
        with pytest.raises(kind) as caught:
            await open_stream(address(broker, who), launch, name)
        assert caught.value.code == code, (who, launch, name)
    stranger = Address.parse(f"http://127.0.0.1:{broker.port}", token="f" * 32)
    with pytest.raises(SampanError) as refused:
        await open_stream(stranger, kernel, "shell")
    # (The hub of this test does not answer: who it is cannot be asked.)
    assert refused.value.code == "access.hub_away"
    with pytest.raises(Forbidden):
        await open_stream(Address.parse(f"http://127.0.0.1:{broker.port}"), kernel, "shell")
    await broker.ask("DELETE", f"/launches/{server}", "alice")


async def test_a_proxy_is_told_that_a_refused_stream_ends_its_connection(
    broker: RealBroker, kernel: str
) -> None:
    """Or it would send the next request, somebody else's, into a connection that is being closed, and answer 503 itself."""
    reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
    lines = (
        f"GET /services/sampan/api/launches/{kernel}/sockets/nosuch HTTP/1.1",
        *("Host: broker", "Connection: Upgrade", "Upgrade: websocket"),
        *("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    )
    writer.write("".join(f"{line}\r\n" for line in (*lines, "")).encode())
    head, _, body = (await asyncio.wait_for(reader.read(), 10)).decode().partition("\r\n\r\n")
    writer.close()
    assert head.split()[1] == "403", head
    assert "access." in body
    assert "connection: close" in head.lower().splitlines()


async def test_text_ends_a_stream_and_harms_nothing(broker: RealBroker, kernel: str) -> None:
    stream = await open_stream(address(broker), kernel, "hb")
    await stream.write_message("text")
    async with asyncio.timeout(5):
        while await stream.read_message() is not None:
            pass
    stream.close()
    await beats(broker, kernel)


async def test_strangers_neither_see_nor_touch_it(broker: RealBroker, kernel: str) -> None:
    for method, path in (
        ("GET", "kernel"),
        ("GET", "keys"),
        ("POST", "interrupt"),
        ("POST", "kill"),
        ("POST", "restart"),
    ):
        answer = await broker.send(method, f"/launches/{kernel}/{path}", "mallory")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "launch.unknown_id")
    child = await broker.send("POST", "/launches", "mallory", json={"kind": "kernel", "parent": kernel})
    assert child.status_code == 404


async def test_asked_twice_it_is_one(broker: RealBroker, kernel: str) -> None:
    assert (await asked(broker))["id"] == kernel
    assert len(broker.live_jobs("east")) == 1


async def test_killed_it_is_restarted_in_its_job(broker: RealBroker, kernel: str) -> None:
    job, keys = (
        (await broker.show(kernel))["job"],
        await broker.ask("GET", f"/launches/{kernel}/keys", "alice"),
    )
    assert (await broker.ask("POST", f"/launches/{kernel}/interrupt", "alice"))["running"]
    await broker.ask("POST", f"/launches/{kernel}/kill", "alice")

    async def dead() -> bool:
        return not (await broker.ask("GET", f"/launches/{kernel}/kernel", "alice"))["running"]

    await came(dead)
    with pytest.raises(Unavailable) as caught:
        await open_stream(address(broker), kernel, "shell")
    assert caught.value.code == "link.kernel"
    await broker.ask("POST", f"/launches/{kernel}/restart", "alice")

    async def answers() -> bool:
        return bool((await broker.ask("GET", f"/launches/{kernel}/kernel", "alice"))["ready"])

    await came(answers)
    shown = await broker.show(kernel)
    assert (shown["job"], shown["stage"]) == (job, "ready")
    assert await broker.ask("GET", f"/launches/{kernel}/keys", "alice") == keys
    await beats(broker, kernel)


async def test_the_broker_restarts_and_the_kernel_does_not(broker: RealBroker, kernel: str) -> None:
    before = await broker.ask("GET", f"/launches/{kernel}/keys", "alice")
    stream = await open_stream(address(broker), kernel, "hb")
    await broker.again()
    async with asyncio.timeout(10):
        while await stream.read_message() is not None:
            pass
    stream.close()

    async def reached() -> bool:
        return (await broker.send("GET", f"/launches/{kernel}/keys")).is_success

    await came(reached)
    assert await broker.ask("GET", f"/launches/{kernel}/keys", "alice") == before
    await beats(broker, kernel)


async def test_a_path_is_what_the_client_says(broker: RealBroker) -> None:
    with pytest.raises(Missing):
        calls.socket("../x", "shell")
    with pytest.raises(Invalid):
        Address.parse("ftp://x")
