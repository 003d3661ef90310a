"""What `sampan ca show` tells a centre to install, installed at a real sshd: all that we say works, and little else does."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from sampan.errors import Unavailable
from sampan_hub import files
from sampan_hub.asks import Completed
from sampan_hub.certificates import Order, Purpose
from sampan_hub.sshd_lines import CONFIG, FOLDER, GATE, principal_line, sshd_files
from sampan_hub.testing.transport_contract import TransportContract, ssh_listener
from sampan_hub.transports.login import IDLE
from sampan_hub.transports.ssh import SshTransport
from sampan_kernels import gate
from tests.sampan_hub.transports.a_login_node import ALICE, BOB, SERVICE, LoginNode, as_root, login_node
from tests.waiting import wait_until

ANYTHING = re.compile(r"[^\0]*", re.DOTALL)


@pytest.fixture(scope="module")
def there() -> Iterator[LoginNode]:
    with login_node() as node:
        program, config = node.folder / "sampan-gate", node.folder / "gate.json"
        program.write_text(Path(gate.__file__).read_text())
        config.write_text(
            json.dumps(
                {
                    "service_account": SERVICE,
                    "account_command": ["/usr/bin/cat"],
                    "principals": str(node.etc / "principals"),
                }
            )
        )
        program.chmod(0o755)
        config.chmod(0o644)
        told = sshd_files(
            "core",
            node.authority.state(),
            {ALICE: Purpose.PERSON, BOB: Purpose.PERSON, SERVICE: Purpose.SERVICE},
        )
        node.stop()
        node.start(
            told[CONFIG].replace(f"{FOLDER}/ca.pub", f"{node.etc}/trusted").replace(FOLDER, str(node.etc))
        )
        for account in (ALICE, BOB, SERVICE):
            purpose = Purpose.SERVICE if account == SERVICE else Purpose.PERSON
            line = principal_line(account, purpose).replace(
                GATE, f"/usr/bin/python3 -I -S {program} {config}"
            )
            (node.etc / "principals" / account).write_text(f"{line}\n")
        yield node


@pytest.fixture
async def transport(there: LoginNode) -> AsyncIterator[SshTransport]:
    transport = SshTransport(there.descriptor(), there.signer, shape=ANYTHING)
    yield transport
    await transport.close()


pytestmark = as_root


async def test_what_we_say_is_done(there: LoginNode, transport: SshTransport) -> None:
    home = there.folder / "home" / ALICE
    folder = f"{home}/.sampan/attempts/sampan-test1-abcd-1"
    assert (await transport.run(files.make_directory(folder).argv, account=ALICE)).status == 0
    assert Path(folder).stat().st_uid == home.stat().st_uid
    ask = files.read(f"{folder}/report.json")
    assert ask.parse(await transport.run(ask.argv, account=ALICE)) is None
    Path(folder, "report.json").write_text("{}")
    assert (await transport.run(files.read(f"{folder}/report.json").argv, account=ALICE)).stdout == "{}"
    assert (await transport.run(["/usr/bin/cat"], "李雷\n".encode())).stdout == "李雷\n"


async def test_both_ends_write_down_who_did_what(there: LoginNode, transport: SshTransport) -> None:
    """The same number and name stand in the signer's log and in sshd's; each command is in the system's log."""
    path = f"{there.folder}/home/{BOB}/.sampan/attempts/x"
    there.syslog.clear()
    assert (await transport.run(files.make_directory(path).argv, account=BOB)).status == 0
    assert (await transport.run(["id"], account=BOB)).status == 126
    signed = [json.loads(line) for line in there.signer_log.splitlines() if f'"{BOB}"' in line]
    told = f"ID {signed[-1]['key_id']} (serial {signed[-1]['serial']}) CA ED25519 {signed[-1]['ca']}"
    assert told in there.log
    # Another thread takes them in.
    wait_until(lambda: sum("sampan-gate" in line for line in there.syslog) == 2, 10)
    done, refused = (line for line in there.syslog if "sampan-gate" in line)
    # 10 authpriv, 5 notice and 4 warning: https://www.rfc-editor.org/rfc/rfc5424#section-6.2.1
    assert done.startswith(f"<{10 * 8 + 5}>")
    assert f"]: mkdir {BOB} from 127.0.0.1: mkdir -p -m 700 -- {path}" in done
    assert refused.startswith(f"<{10 * 8 + 4}>")
    assert f"]: refused {BOB} from 127.0.0.1: no row of the table: id" in refused


@pytest.mark.parametrize("account", [None, ALICE])
@pytest.mark.parametrize(
    "said", [("id",), ("sh", "-c", "id"), ("head", "-c", "5", "--", "/etc/passwd"), ("cat", ";id")]
)
async def test_what_we_never_say_is_refused(
    transport: SshTransport, said: tuple[str, ...], account: str | None
) -> None:
    assert await transport.run(said, account=account) == Completed(126, "", "sampan-gate: refused\n")


async def test_one_persons_files_are_not_anothers(there: LoginNode, transport: SshTransport) -> None:
    path = f"{there.folder}/home/{ALICE}/.sampan/attempts/x"
    assert (await transport.run(files.make_directory(path).argv, account=BOB)).status == 126


async def test_what_takes_too_long_is_ended_there(there: LoginNode, transport: SshTransport) -> None:
    """And what nobody waits for: sshd itself would let it run on."""
    (there.folder / "home" / ALICE / ".sampan").mkdir(exist_ok=True)
    pipe = there.folder / "home" / ALICE / ".sampan" / f"pipe{time.time_ns() % 1000}"
    os.mkfifo(pipe, 0o666)
    pipe.chmod(0o666)
    with pytest.raises(Unavailable):
        await transport.run(files.read(str(pipe)).argv, account=ALICE, deadline=1.0)
    await gone(str(pipe))
    waiting = asyncio.create_task(transport.run(files.read(str(pipe)).argv, account=ALICE))
    await asyncio.sleep(0.5)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await gone(str(pipe))


async def gone(mark: str) -> None:
    async with asyncio.timeout(10):
        while await running(mark):  # noqa: ASYNC110 (it is another process)
            await asyncio.sleep(0.05)


async def running(mark: str) -> bool:
    process = await asyncio.create_subprocess_exec(
        "pgrep", "-f", f"^head -c .*{mark}", stdout=asyncio.subprocess.DEVNULL
    )
    return await process.wait() == 0


async def test_the_service_account_reaches_nodes_and_has_a_terminal(
    there: LoginNode, transport: SshTransport
) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    async with (
        ssh_listener(key) as port,
        await transport.reach("127.0.0.1", port, TransportContract.options(key)),
    ):
        await seen(f"sshd: {SERVICE}@pts/")
        await seen(" ".join(IDLE))


async def seen(mark: str) -> None:
    """Beside the connection, not before it: its terminal is given, and its command started, a moment later."""
    async with asyncio.timeout(10):
        while mark not in await processes():  # noqa: ASYNC110 (it is another process)
            await asyncio.sleep(0.05)


async def processes() -> str:
    process = await asyncio.create_subprocess_exec("ps", "-eo", "args", stdout=asyncio.subprocess.PIPE)
    return (await process.communicate())[0].decode()


@asynccontextmanager
async def connected(there: LoginNode, account: str) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """With all that a certificate of ours ever gives."""
    now = int(time.time())
    order = Order("core", account, Purpose.SERVICE, "x", ("127.0.0.1",), now - 60, now + 60)
    key = asyncssh.generate_private_key("ssh-ed25519")
    certificate, _ = there.authority.sign(order, key.export_public_key("openssh").decode().strip())
    async with asyncssh.connect(
        "127.0.0.1",
        there.port,
        username=account,
        known_hosts=([asyncssh.import_public_key(there.host_key)], [], []),
        client_keys=[(key, certificate)],
        agent_path=None,
        config=None,
    ) as connection:
        yield connection


async def test_the_service_account_reaches_no_socket_and_listens_nowhere(there: LoginNode) -> None:
    """Munge's socket makes whoever reaches it this account at the scheduler, past the gate."""
    path = f"{there.folder}/home/{SERVICE}/listening"
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(f"{there.folder}/like-munge")
        Path(f"{there.folder}/like-munge").chmod(0o777)
        taken.listen()
        async with connected(there, SERVICE) as connection:
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.open_unix_connection(f"{there.folder}/like-munge")
            with pytest.raises(asyncssh.ChannelListenError):
                await connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", there.port)
            with pytest.raises(asyncssh.ChannelListenError):
                await connection.forward_remote_path(path, "/tmp/x")
            assert not Path(path).exists()
            # What it is for.
            _, writer = await connection.open_connection("127.0.0.1", there.port)
            writer.close()


async def test_a_person_reaches_nothing_even_with_a_certificate_that_would_let_them(
    there: LoginNode, transport: SshTransport
) -> None:
    """The centre's own line binds, whatever the hub has signed."""
    async with connected(there, ALICE) as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection("127.0.0.1", there.port)
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_process("true", term_type="dumb")
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_unix_connection("/tmp/x")
        assert (await connection.run("id", check=False)).exit_status == 126
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.start_sftp_client()


async def test_a_centre_cuts_the_hub_off(there: LoginNode, transport: SshTransport) -> None:
    """As its security officer is told to: without a restart, and without anybody at the hub.

    Who is connected as a person already, stays so, and can do nothing with it.
    """
    path, gate_there = f"{there.folder}/home/{ALICE}/.sampan/cut", there.folder / "sampan-gate"
    assert (await transport.run(["/usr/bin/cat"], b"alice\n")).status == 0
    assert (await transport.run(files.make_directory(f"{path}/before").argv, account=ALICE)).status == 0
    trusted = (there.etc / "trusted").read_text()
    gate_there.chmod(0)
    (there.etc / "trusted").write_text("")
    there.kill(SERVICE)
    try:
        done = await transport.run(files.make_directory(f"{path}/after").argv, account=ALICE)
        # Python's own, of a file that it cannot read: https://docs.python.org/3/using/cmdline.html
        assert (done.status, done.stdout) == (2, "")
        assert "Permission denied" in done.stderr
        assert there.connections(ALICE) == 1
        assert [each.name for each in Path(path).iterdir()] == ["before"]
        for account in (None, BOB):
            with pytest.raises(Unavailable) as caught:
                await transport.run(["/usr/bin/cat"], b"alice\n", account=account)
            assert caught.value.code == "centre.login"
        assert there.connections(SERVICE) == 0
    finally:
        gate_there.chmod(0o755)
        (there.etc / "trusted").write_text(trusted)


async def test_a_centre_cuts_one_account_off(there: LoginNode, transport: SshTransport) -> None:
    """Its file of principals is what lets it in: without it an open connection is good for nothing, and none is opened."""
    ask = files.make_directory(f"{there.folder}/home/{ALICE}/.sampan/one")
    assert (await transport.run(ask.argv, account=ALICE)).status == 0
    file = there.etc / "principals" / ALICE
    line = file.read_text()
    file.unlink()
    try:
        assert (await transport.run(ask.argv, account=ALICE)).status == 126
        assert there.connections(ALICE) == 1
        assert (await transport.run(["/usr/bin/cat"], b"alice\n")).status == 0
        async with another(there) as anew:
            with pytest.raises(Unavailable):
                await anew.run(ask.argv, account=ALICE)
    finally:
        file.write_text(line)
    assert (await transport.run(ask.argv, account=ALICE)).status == 0


@asynccontextmanager
async def another(there: LoginNode) -> AsyncIterator[SshTransport]:
    transport = SshTransport(there.descriptor(), there.signer)
    try:
        yield transport
    finally:
        await transport.close()
