"""The transport ssh and the gate at real centres: every question, as the account that asks it, through the login node."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from ctypes import CDLL

import asyncssh
import pytest

from sampan.errors import Forbidden, Unavailable, Unreachable
from sampan_hub import files
from sampan_hub.asks import Ask, Completed
from sampan_hub.centre import Centre
from sampan_hub.jobs import JobSpec, JobState
from sampan_hub.testing.transport_contract import TransportContract
from sampan_hub.transports import Transport
from sampan_hub.transports.ssh import SshTransport
from tests.federation import centre as real
from tests.federation.federation import Federation
from tests.federation.host import Host
from tests.federation.joined import NAMES, Joined, join
from tests.federation.ssh_daemon import FOLDER
from tests.federation.writing import put
from tests.sampan_hub.transports.conftest import ANYTHING

pytestmark = pytest.mark.federation


@pytest.fixture(scope="module")
def joined(federation: Federation) -> Iterator[Joined]:
    with join(federation) as made:
        yield made


def job(centre: Centre, account: str, script: str) -> JobSpec:
    tag = f"sampan-ssht1-{secrets.token_hex(4)}-1"
    share = centre.descriptor.shares[0]
    kind = next(iter(share.accelerators), None)
    folder = f"/home/{account}/.sampan/attempts/{tag}"
    told = (kind, 1) if kind else ("", 0)
    return JobSpec(tag, share.queue, 1, 512, 5, script, f"{folder}/job.log", *told, tuple(share.demands))


@pytest.mark.parametrize("name", NAMES)
async def test_a_job_from_its_folder_to_its_end(joined: Joined, name: str) -> None:
    """Each verb once, through the gate, as who asks it: nothing that we say is refused."""
    account = joined.federation.centre(name).account("alice")
    async with joined.centre(name) as centre:
        asker = centre.asker(account)
        assert (await centre.ask(centre.scheduler.capacity())).nodes
        limits = centre.scheduler.limits(account, await centre.ask(centre.scheduler.rules()))
        await centre.ask(limits, account=account)
        spec = job(centre, account, "#!/bin/sh\nid -un; hostname; exec sleep 120\n")
        folder = spec.log.rpartition("/")[0]
        await centre.ask(files.make_directory(folder), account=account)
        await centre.ask(centre.scheduler.expected_start(spec), account=account)
        assert await centre.ask(centre.scheduler.find([spec.tag]), account=asker) == []
        await centre.ask(centre.scheduler.recall([spec.tag]), account=asker)
        number = await centre.ask(centre.scheduler.submit(spec), account=account)
        [found] = await centre.ask(centre.scheduler.find([spec.tag]), account=asker)
        assert (found.id, found.account) == (number, account)

        async def state() -> JobState | None:
            jobs = await centre.ask(centre.scheduler.status([number]), account=asker)
            return jobs.statuses[number].state if number in jobs.statuses else None

        async def log() -> str:
            return await centre.ask(files.tail(spec.log, 4096), account=account) or ""

        await comes(state, JobState.RUNNING)
        async with asyncio.timeout(30):
            while (await log()).count("\n") < 2:  # noqa: ASYNC110 (it is another machine)
                await asyncio.sleep(0.1)
        who, node = (await log()).split()
        assert who == account
        assert node.startswith(f"{name}-")
        assert await centre.ask(files.read(f"{folder}/report.json"), account=account) is None
        await centre.ask(centre.scheduler.cancel(number, spec.tag), account=account)
        await comes(state, JobState.ENDED, None)
        await centre.ask(centre.scheduler.ended([number]), account=asker)
        await centre.ask(centre.scheduler.usage([number]), account=asker)


async def comes(look: Callable[[], Awaitable[JobState | None]], *wanted: JobState | None) -> None:
    async with asyncio.timeout(60):
        while await look() not in wanted:  # noqa: ASYNC110 (it is another machine)
            await asyncio.sleep(0.2)


async def test_the_account_command(joined: Joined) -> None:
    """Of a hub user whose name no account has; it travels on standard input."""
    command = Ask("account", ("/etc/sampan/account-of",), lambda done: done.stdout, "中文名\n".encode())
    async with joined.centre("east") as centre:
        assert await centre.ask(command) == joined.federation.centre("east").account("中文名") + "\n"
        with pytest.raises(Unavailable):
            await centre.ask(files.make_directory("/home/sampan-svc/.sampan/x"))


@pytest.mark.parametrize("name", NAMES)
async def test_what_we_never_say_is_refused(joined: Joined, name: str) -> None:
    account = joined.federation.centre(name).account("alice")
    async with joined.centre(name) as centre:
        for who in (None, account):
            for said in (
                ("id",),
                ("squeue", "--yaml"),
                ("sbatch", "--wrap=id"),
                ("head", "-c", "9", "--", "/etc/passwd"),
            ):
                done = await centre.transport.run(said, account=who)
                assert done == Completed(126, "", "sampan-gate: refused\n")


async def test_nobody_comes_who_is_not_listed(joined: Joined) -> None:
    async with joined.centre("east") as centre:
        for account in ("root", "slurm", "stranger", "c3001"):
            with pytest.raises(Forbidden):
                await centre.transport.run(["id"], account=account)


async def test_what_was_signed_is_in_both_logs(joined: Joined) -> None:
    """With number and name, the signer's and sshd's: what stands in one alone is a key that was copied."""
    east = joined.federation.centre("east")
    account = east.account("bob")
    log = joined.state / "log" / "signer.log"
    before = len(log.read_bytes())
    async with joined.centre("east") as centre:
        await centre.transport.run(["id"], account=account)
    lines = [json.loads(line) for line in log.read_bytes()[before:].splitlines() if line.startswith(b"{")]
    signed = [told for told in lines if told["event"] == "signed"]
    assert account in [told["account"] for told in signed]
    seen = (east.hosts["login"].own / "var" / "log" / "sshd.log").read_text(encoding="utf-8")
    for told in signed:
        assert f'Accepted certificate ID "{told["key_id"]}" (serial {told["serial"]})' in seen, told


async def test_cut_off_and_back(joined: Joined) -> None:
    """Whoever asks meanwhile waits for no longer than they said; afterwards it works again by itself."""
    east = joined.federation.centre("east")
    async with joined.centre("east") as centre, joined.centre("west") as other:
        await centre.ask(centre.scheduler.capacity())
        east.cut()
        try:
            loop = asyncio.get_running_loop()
            for _ in range(3):
                began = loop.time()
                with pytest.raises(Unavailable):
                    await centre.ask(centre.scheduler.capacity(), deadline=2.0)
                assert loop.time() - began < 4
            assert (await other.ask(other.scheduler.capacity())).nodes
        finally:
            east.heal()
        async with asyncio.timeout(40):
            while True:
                try:
                    await centre.ask(centre.scheduler.capacity())
                except Unavailable:
                    await asyncio.sleep(0.2)
                else:
                    break


async def test_a_node_that_the_hub_has_no_way_to(joined: Joined) -> None:
    """A server on a compute node is reached through the login node, and not otherwise; and by nobody at another centre."""
    east = joined.federation.centre("east")
    address = east.addresses["n1"]
    key = asyncssh.generate_private_key("ssh-ed25519")
    with at(east.hosts["n1"], address) as sock:
        port = sock.getsockname()[1]
        async with listening(sock, key):
            with pytest.raises((OSError, TimeoutError)):
                await asyncio.wait_for(asyncio.open_connection(address, port), 2)
            async with joined.centre("east") as centre:
                options = TransportContract.options(key)
                async with await centre.transport.reach("east-n1", port, options) as connection:
                    assert connection.get_extra_info("username") == "sampan"
            async with joined.centre("west") as other:
                with pytest.raises((Unreachable, Unavailable)):
                    await other.transport.reach(address, port, options, deadline=3)


class TestEast(TransportContract):
    """The contract between the hub and a compute node. For it the service account may say anything."""

    @pytest.fixture
    def east(self, joined: Joined) -> Iterator[real.Centre]:
        east = joined.federation.centre("east")
        file = east.root / "etc" / FOLDER.removeprefix("/etc/") / "principals" / east.service_account
        before = file.read_text()
        put(file, f"sampan:{east.service_account}\n")
        yield east
        put(file, before)

    @pytest.fixture
    async def transport(self, joined: Joined, east: real.Centre) -> AsyncIterator[Transport]:
        transport = SshTransport(joined.descriptor("east"), joined.signer, shape=ANYTHING)
        yield transport
        await transport.close()

    @pytest.fixture
    def node(self, east: real.Centre) -> str:
        return east.addresses["n1"]

    @pytest.fixture
    async def listener(self, east: real.Centre) -> AsyncIterator[tuple[int, asyncssh.SSHKey]]:
        key = asyncssh.generate_private_key("ssh-ed25519")
        with at(east.hosts["n1"], east.addresses["n1"]) as sock:
            async with listening(sock, key):
                yield sock.getsockname()[1], key

    @pytest.fixture
    async def silent(self, east: real.Centre) -> AsyncIterator[int]:
        taken: list[asyncio.StreamWriter] = []
        with at(east.hosts["n1"], east.addresses["n1"]) as sock:
            async with await asyncio.start_server(lambda _, writer: taken.append(writer), sock=sock):
                yield sock.getsockname()[1]
                for writer in taken:
                    writer.transport.abort()


def at(host: Host, address: str) -> socket.socket:
    """A socket that listens on a host: a thread goes into its network, and leaves it behind."""
    made: list[socket.socket] = []

    def go() -> None:
        namespace = os.open(f"/proc/{host.anchor.pid}/ns/net", os.O_RDONLY)
        try:
            assert CDLL(None, use_errno=True).setns(namespace, 0) == 0
        finally:
            os.close(namespace)
        made.append(socket.create_server((address, 0)))

    thread = threading.Thread(target=go)
    thread.start()
    thread.join()
    made[0].setblocking(False)
    return made[0]


@asynccontextmanager
async def listening(sock: socket.socket, key: asyncssh.SSHKey) -> AsyncIterator[None]:
    came: list[asyncssh.SSHServerConnection] = []

    class Open(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            came.append(conn)

        def begin_auth(self, username: str) -> bool:
            return False

    async with await asyncssh.listen(sock=sock, server_host_keys=[key], server_factory=Open):
        yield
        for connection in came:
            connection.abort()
            await connection.wait_closed()
