"""What every transport must do: `class TestMine(TransportContract)`, with a fixture `transport` and a fixture `node`."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncssh
import pytest

from sampan.errors import Unavailable, Unreachable
from sampan_hub.transports import Transport

__all__ = ["TransportContract", "ssh_listener"]

AWKWARD = [
    "",
    "a b",
    "$(id)",
    "`id`",
    ";id",
    "'",
    '"',
    "\\",
    "\n",
    "*",
    "~",
    "-n",
    "--",
    "中文 笔记",
    "\u2028",
    "%s",
    "#",
]
_ECHO = ("python3", "-c", "import json, sys; print(json.dumps(sys.argv[1:]))")


class _Nobody(asyncssh.SSHServer):
    def __init__(self, came: list[asyncssh.SSHServerConnection]) -> None:
        self._came = came

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._came.append(conn)

    def begin_auth(self, username: str) -> bool:
        return False


@contextlib.asynccontextmanager
async def ssh_listener(key: asyncssh.SSHKey, **more: Any) -> AsyncIterator[int]:
    """The port of an SSH server on loopback that lets everybody in; who is still there at the end is put out."""
    came: list[asyncssh.SSHServerConnection] = []
    async with await asyncssh.listen(
        "127.0.0.1", 0, server_host_keys=[key], server_factory=lambda: _Nobody(came), **more
    ) as server:
        yield server.get_port()
        for connection in came:
            connection.abort()
            await connection.wait_closed()


class TransportContract:
    """Subclass it and provide the fixture `transport`; override `node` where the centre's nodes are not this machine."""

    @pytest.fixture
    def node(self) -> str:
        """The name of a node of the centre; what listens on the loopback address there is reached by it."""
        return "127.0.0.1"

    @pytest.fixture
    async def listener(self) -> AsyncIterator[tuple[int, asyncssh.SSHKey]]:
        """An SSH server on `node`: its port, and its host key."""
        key = asyncssh.generate_private_key("ssh-ed25519")
        async with ssh_listener(key) as port:
            yield port, key

    @pytest.fixture
    async def silent(self) -> AsyncIterator[int]:
        """The port of somebody on `node` who accepts connections and says nothing."""
        taken: list[asyncio.StreamWriter] = []
        server = await asyncio.start_server(lambda _, writer: taken.append(writer), "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]
            for writer in taken:
                writer.transport.abort()

    @staticmethod
    def options(key: asyncssh.SSHKey) -> asyncssh.SSHClientConnectionOptions:
        return asyncssh.SSHClientConnectionOptions(
            username="sampan",
            known_hosts=([key.convert_to_public()], [], []),
            client_keys=None,
            agent_path=None,
            config=None,
        )

    # --- commands

    async def test_an_argument_is_one_argument_whatever_is_in_it(self, transport: Transport) -> None:
        done = await transport.run((*_ECHO, *AWKWARD))
        assert done.status == 0, done.stderr
        assert json.loads(done.stdout) == AWKWARD

    async def test_status_output_and_errors_come_back_apart(self, transport: Transport) -> None:
        done = await transport.run(["sh", "-c", "echo out; echo err >&2; exit 7"])
        assert (done.status, done.stdout, done.stderr) == (7, "out\n", "err\n")

    async def test_input_arrives_whole_and_ends(self, transport: Transport) -> None:
        data = "中\0\n".encode() * 100_000
        done = await transport.run(["sha256sum"], data)
        assert done.stdout.split()[0] == hashlib.sha256(data).hexdigest()
        assert (await transport.run(["cat"])).stdout == ""

    async def test_a_command_that_does_not_read_its_input(self, transport: Transport) -> None:
        done = await transport.run(["echo", "fine"], b"x" * 1_000_000)
        assert (done.status, done.stdout) == (0, "fine\n")

    async def test_output_that_is_no_text(self, transport: Transport) -> None:
        done = await transport.run(["printf", r"a\377b"])
        assert done.stdout == "a\N{REPLACEMENT CHARACTER}b"

    async def test_too_much_output_is_no_answer(self, transport: Transport) -> None:
        with pytest.raises(Unavailable):
            await transport.run(["head", "-c", str(5 << 20), "/dev/zero"])
        with pytest.raises(Unavailable):
            await transport.run(["head", "-c", "1001", "/dev/zero"], most=1000)

    async def test_a_large_answer_that_was_expected(self, transport: Transport) -> None:
        done = await transport.run(["head", "-c", str(12 << 20), "/dev/zero"], most=12 << 20)
        assert (done.status, len(done.stdout)) == (0, 12 << 20)

    async def test_a_program_that_is_not_there(self, transport: Transport) -> None:
        done = await transport.run(["no-such-program-of-ours"])
        assert (done.status, done.stdout) == (127, "")

    async def test_programs_complain_in_english(
        self, transport: Transport, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What they say is read, so it may not depend on where somebody started us."""
        monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
        done = await transport.run(["cat", "/no/such/文件"])
        assert done.stderr.endswith("/no/such/文件: No such file or directory\n")

    async def test_nothing_of_the_broker_comes_along(
        self, transport: Transport, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SAMPAN_TEST_SECRET", "of the broker")
        done = await transport.run(["env"])
        assert "SAMPAN_TEST_SECRET" not in done.stdout
        names = {line.partition("=")[0] for line in done.stdout.splitlines()}
        assert {"HOME", "PATH", "USER"} <= names

    async def test_a_command_that_takes_too_long_is_ended(self, transport: Transport) -> None:
        mark = f"987{time.time_ns() % 1_000_000}"
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await transport.run(["sh", "-c", f"sleep {mark} & sleep {mark}"], deadline=0.5)
        assert time.monotonic() - began < 5
        await self._gone(transport, mark)

    async def test_whoever_no_longer_waits_ends_it(self, transport: Transport) -> None:
        mark = f"986{time.time_ns() % 1_000_000}"
        waiting = asyncio.create_task(transport.run(["sleep", mark], deadline=60))
        while not await self._runs(transport, mark):  # noqa: ASYNC110 (it is another process)
            await asyncio.sleep(0.05)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        await self._gone(transport, mark)

    async def test_commands_do_not_wait_for_each_other(self, transport: Transport) -> None:
        began = time.monotonic()
        await asyncio.gather(*(transport.run(["sleep", "1"]) for _ in range(5)))
        assert time.monotonic() - began < 4

    # --- streams

    async def test_a_listener_on_a_node_is_reached(
        self, transport: Transport, node: str, listener: tuple[int, asyncssh.SSHKey]
    ) -> None:
        port, key = listener
        async with await transport.reach(node, port, self.options(key)) as connection:
            assert connection.get_extra_info("username") == "sampan"

    async def test_another_host_key_is_not_talked_to(
        self, transport: Transport, node: str, listener: tuple[int, asyncssh.SSHKey]
    ) -> None:
        with pytest.raises(asyncssh.HostKeyNotVerifiable):
            await transport.reach(
                node, listener[0], self.options(asyncssh.generate_private_key("ssh-ed25519"))
            )

    async def test_where_nobody_listens(self, transport: Transport, node: str) -> None:
        key = asyncssh.generate_private_key("ssh-ed25519")
        with pytest.raises(Unreachable):
            await transport.reach(node, 1, self.options(key))

    async def test_whoever_accepts_and_never_speaks(
        self, transport: Transport, node: str, silent: int
    ) -> None:
        key = asyncssh.generate_private_key("ssh-ed25519")
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await transport.reach(node, silent, self.options(key), deadline=0.5)
        assert time.monotonic() - began < 5

    # --- looking

    async def _runs(self, transport: Transport, mark: str) -> bool:
        # The brackets keep the pattern from finding itself.
        done = await transport.run(["pgrep", "-f", f"[s]leep {mark}"])
        return done.status == 0

    async def _gone(self, transport: Transport, mark: str) -> None:
        async with asyncio.timeout(10):
            while await self._runs(transport, mark):  # noqa: ASYNC110 (it is another process)
                await asyncio.sleep(0.05)
