"""The transport ssh against a real OpenSSH, with certificates of a real signer."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator

import asyncssh
import pytest

from sampan.errors import Forbidden, Invalid, Unreachable
from sampan_hub.testing.transport_contract import AWKWARD, TransportContract, ssh_listener
from sampan_hub.transports import Transport
from sampan_hub.transports.ssh import SshTransport
from tests.sampan_hub.transports.a_login_node import ALICE, BOB, HUB, SERVICE, LoginNode, as_root
from tests.waiting import until

pytestmark = as_root

ANYTHING = re.compile(r"[^\0]*", re.DOTALL)


class TestSsh(TransportContract):
    """As the service account, on the one connection that is kept."""

    @pytest.fixture
    async def transport(self, there: LoginNode) -> AsyncIterator[Transport]:
        transport = SshTransport(there.descriptor(), there.signer, shape=ANYTHING)
        yield transport
        await transport.close()


class TestAsAPerson(TestSsh):
    """The same for commands of a person, each on a connection of their own."""

    @pytest.fixture
    async def transport(self, there: LoginNode) -> AsyncIterator[Transport]:
        transport = SshTransport(there.descriptor(), there.signer, shape=ANYTHING)
        run = transport.run

        async def as_alice(*args: object, **more: object) -> object:
            return await run(*args, **{"account": ALICE, **more})  # type: ignore[arg-type]

        transport.run = as_alice  # type: ignore[method-assign,assignment]
        yield transport
        await transport.close()


# --- what goes over the wire


@pytest.mark.parametrize("word", [word for word in AWKWARD if word not in ("-n", "--", "%s")])
async def test_nothing_that_a_shell_might_read_is_sent(there: LoginNode, word: str) -> None:
    """The contract shows that quoting holds; what is really sent is of a narrow shape besides."""
    with pytest.raises(Invalid) as caught:
        await SshTransport(there.descriptor(), there.signer).run(["echo", word])
    assert caught.value.code == "centre.word"


def test_a_pinned_key_that_is_none(there: LoginNode) -> None:
    broken = f"ssh-rsa {asyncssh.import_public_key(there.host_key).export_public_key('openssh').decode().split()[1]}"
    blob = there.descriptor().model_copy()
    endpoint = blob.endpoint.model_copy(update={"host_keys": (there.host_key, broken)})
    with pytest.raises(Invalid) as caught:
        SshTransport(blob.model_copy(update={"endpoint": endpoint}), there.signer)
    assert caught.value.message.params["key"] == "endpoint.host_keys.1"


async def test_a_command_that_may_have_begun_is_not_said_twice(
    fresh: LoginNode, transport: SshTransport
) -> None:
    mark = fresh.folder / "home" / SERVICE / "mark"
    waiting = asyncio.create_task(transport.run(["sh", "-c", f"echo x >> {mark}; sleep 60"]))
    await until(mark.exists)
    fresh.drop_connections()
    with pytest.raises(Unreachable):
        await waiting
    await transport.run(["true"])
    assert mark.read_text() == "x\n"


async def test_small_messages_do_not_wait_for_each_other(fresh: LoginNode, transport: SshTransport) -> None:
    """A terminal is open on the kept connection: without one, sshd lets small packets wait, 40 ms and more."""
    await transport.run(["true"])
    assert (await transport.run(["sh", "-c", f"pgrep -u {SERVICE} -fx 'sleep infinity'"])).status == 0
    key = asyncssh.generate_private_key("ssh-ed25519")

    async def echo(process: asyncssh.SSHServerProcess[str]) -> None:
        async for line in process.stdin:
            process.stdout.write(line)

    async with (
        ssh_listener(key, process_factory=echo) as port,
        await transport.reach("127.0.0.1", port, TransportContract.options(key)) as connection,
    ):
        process = await connection.create_process()
        took = []
        for n in range(40):
            began = time.monotonic()
            for part in ("a", "b", f"{n}\n"):
                process.stdin.write(part)
                await asyncio.sleep(0)
            await process.stdout.readline()
            took.append(time.monotonic() - began)
        # With packets that wait hardly one would be as quick; a busy machine makes some slow.
        assert sorted(took)[len(took) // 4] < 0.025


# --- as a person


async def test_a_person_comes_with_a_certificate_of_their_own(
    fresh: LoginNode, transport: SshTransport
) -> None:
    for account in (ALICE, BOB, SERVICE):
        assert (await transport.run(["id", "-un"], account=account)).stdout == f"{account}\n"
    assert f"ID sampan:{HUB}:core:{ALICE}:person (serial " in fresh.log


async def test_a_persons_connection_carries_commands_alone(fresh: LoginNode, transport: SshTransport) -> None:
    await transport.run(["true"], account=ALICE)
    line = transport._people[ALICE]._line
    assert line is not None
    with pytest.raises(asyncssh.ChannelOpenError):
        await line.connection.open_connection("127.0.0.1", fresh.port)
    with pytest.raises(asyncssh.ChannelOpenError):
        await line.connection.create_process("true", term_type="dumb")
    with pytest.raises(asyncssh.ChannelListenError):
        await line.connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", 1)


async def test_a_persons_connection_stays_for_a_while_and_goes(fresh: LoginNode) -> None:
    transport = SshTransport(fresh.descriptor(), fresh.signer, linger=0.5)
    for _ in range(3):
        await transport.run(["true"], account=ALICE)
    assert fresh.log.count(f"Accepted publickey for {ALICE} ") == 1
    await until(lambda: not fresh.connections(ALICE), 10)
    await transport.run(["true"], account=ALICE)
    await transport.close()
    await until(lambda: not fresh.connections(ALICE), 10)
    assert fresh.signer_log.count(f'"account": "{ALICE}"') == 1, "a certificate serves for minutes"


async def test_no_more_people_at_once_than_there_is_room_for(
    fresh: LoginNode, transport: SshTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sampan_hub.transports.ssh.PEOPLE", 1)
    await transport.run(["true"], account=ALICE)
    await transport.run(["true"], account=BOB)
    await until(lambda: not fresh.connections(ALICE), 10)
    assert fresh.connections(BOB) == 1


async def test_for_whom_the_signer_does_not_sign(transport: SshTransport) -> None:
    for account in ("root", "hpc-mallory", "sshd"):
        with pytest.raises(Forbidden) as caught:
            await transport.run(["id"], account=account)
        assert caught.value.code == "signer.account"


# --- letting go


async def test_what_runs_through_a_line_stays_when_the_centre_is_described_anew(
    fresh: LoginNode, transport: SshTransport
) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    async with ssh_listener(key) as port:
        tunnel = await transport.reach("127.0.0.1", port, TransportContract.options(key))
        await transport.run(["true"], account=ALICE)
        await transport.close()
        await until(lambda: not fresh.connections(ALICE), 10)
        await asyncio.sleep(0.3)
        assert not tunnel.is_closed()
        tunnel.close()
        await until(lambda: not fresh.connections(SERVICE), 10)
