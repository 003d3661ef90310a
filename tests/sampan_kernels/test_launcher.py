"""The launcher as a job runs it: who gets in, what may be opened, and when it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from sampan.errors import Refused, SampanError
from sampan_hub.link import Link
from tests.launched import MASTER, TAG, Launched, launched
from tests.waiting import until

HANDED_OVER = {
    "JUPYTERHUB_API_TOKEN": "secret-of-this-server",
    "JUPYTERHUB_API_URL": "http://127.0.0.1:9/hub/api",
}


async def raw(job: Launched, **changed: object) -> asyncssh.SSHClientConnection:
    """A connection with ssh's own means, for what a link would never try."""
    options: dict[str, object] = {
        "username": "sampan",
        "known_hosts": None,
        "client_keys": [MASTER.client_key(TAG)],
        "agent_path": None,
        "config": None,
        **changed,
    }
    return await asyncssh.connect("127.0.0.1", job.report.port, **options)


async def start(link: Link) -> int:
    """Starts a server whose hub does not answer: it runs, and keeps asking, for some ten seconds."""
    status = await link.start("server", "/user/alice/", HANDED_OVER)
    assert status.running
    assert status.pid
    return status.pid


async def test_reports_once_whole_and_for_itself_alone() -> None:
    async with launched() as job:
        path = job.directory / "report.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert job.report.pid == job.process.pid
        assert sorted(file.name for file in job.directory.iterdir()) == ["job.log", "report.json"]


async def test_greets_with_its_place_and_version() -> None:
    async with launched() as job:
        link = await job.link()
        sockets = Path(link.greeting.sockets)
        assert (link.greeting.tag, link.greeting.pid, link.greeting.protocol) == (TAG, job.process.pid, 2)
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert {path.name for path in sockets.iterdir()} == {"run", "hub.sock", "broker.sock"}
        assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in sockets.iterdir())
        await link.close()


@pytest.mark.parametrize(
    "changed",
    [
        {"client_keys": [asyncssh.generate_private_key("ssh-ed25519")]},
        {"client_keys": [MASTER.client_key("sampan-test-abcd1234-2")]},
        {"username": "root"},
        {"client_keys": None, "password": ""},
    ],
    ids=["another key", "another attempt's key", "another name", "no key"],
)
async def test_lets_nobody_else_in(changed: dict[str, object]) -> None:
    async with launched() as job:
        with pytest.raises(asyncssh.PermissionDenied):
            await raw(job, **changed)


async def test_opens_its_own_sockets_and_nothing_else() -> None:
    async with launched() as job, await raw(job) as connection:
        for attempt in (
            lambda: connection.run("id"),
            connection.create_process,
            lambda: connection.open_session(subsystem="sftp"),
            connection.start_sftp_client,
            lambda: connection.create_process(term_type="xterm"),
            lambda: connection.open_connection("127.0.0.1", job.report.port),
            lambda: connection.open_unix_connection("/run/dbus/system_bus_socket"),
            lambda: connection.start_unix_server(lambda *_: None, "/tmp/elsewhere.sock"),
            lambda: connection.start_server(lambda *_: None, "127.0.0.1", 0),
        ):
            with pytest.raises((asyncssh.ChannelOpenError, asyncssh.ChannelListenError)):
                await attempt()
        assert not Path("/tmp/elsewhere.sock").exists()


async def test_refuses_what_it_does_not_know() -> None:
    async with launched() as job:
        link = await job.link()
        for kind, prefix, env in (
            ("shell", "/user/a/", {}),
            ("server", "/user/../a/", {}),
            ("server", "no slash", {}),
            ("server", "/user/a/", {"JUPYTERHUB_USER": "nul\0"}),
            ("server", "/user/a/", {"JUPYTERHUB_USER": 7}),
        ):
            with pytest.raises(Refused, match="did not do"):
                await link.start(kind, prefix, env)  # type: ignore[arg-type]
        with pytest.raises(Refused):
            await link.signal("STOP")
        assert (await link.status()).pid is None
        await link.close()


async def test_starts_once_and_remembers_whose_it_is() -> None:
    async with launched() as job:
        link = await job.link()
        assert await link.identity() is None
        pid = await start(link)
        again = await link.start("server", "/user/alice/", {"JUPYTERHUB_API_TOKEN": "another"})
        assert again.pid == pid
        assert await link.identity() == HANDED_OVER["JUPYTERHUB_API_TOKEN"]
        await link.close()
        # Also for a broker that has been restarted and makes the link anew.
        link = await job.link()
        assert await link.identity() == HANDED_OVER["JUPYTERHUB_API_TOKEN"]
        assert (await link.status()).pid == pid
        await link.close()


async def test_hands_over_no_secret_by_arguments_or_files() -> None:
    async with launched() as job:
        link = await job.link()
        pid = await start(link)
        secret = HANDED_OVER["JUPYTERHUB_API_TOKEN"].encode()
        # Of a process that has just begun it reads as empty for a moment.
        await until(lambda: secret in Path(f"/proc/{pid}/environ").read_bytes())
        for process in (pid, job.process.pid):
            assert secret not in Path(f"/proc/{process}/cmdline").read_bytes()
        assert secret not in Path(f"/proc/{job.process.pid}/environ").read_bytes()
        home = job.directory.parents[2]
        written = [
            path
            for place in (home, Path(link.greeting.sockets))
            for path in place.rglob("*")
            if path.is_file()
        ]
        assert [path for path in written if secret in path.read_bytes()] == []
        await link.close()


async def test_tells_of_the_end_and_ends_with_its_child() -> None:
    async with launched() as job:
        link = await job.link()
        await start(link)
        await link.signal("KILL")
        events = [event async for event in link.events()]
        assert events[-1]["event"] == "exit"
        assert events[-1]["code"] == -signal.SIGKILL
        assert "the child ended" in events[-1]["tail"]
        assert await job.ended() == 128 + signal.SIGKILL
        assert not Path(link.greeting.sockets).exists()
        assert link.closed.is_set()


async def test_stops_in_order_when_told_to() -> None:
    async with launched() as job:
        link = await job.link()
        pid = await start(link)
        await link.stop()
        assert await job.ended() == 0
        assert not Path(f"/proc/{pid}").exists()
        assert not Path(link.greeting.sockets).exists()


async def test_stops_in_order_when_the_scheduler_says_so() -> None:
    async with launched() as job:
        link = await job.link()
        pid = await start(link)
        os.kill(job.process.pid, signal.SIGTERM)
        assert await job.ended() == 128 + signal.SIGTERM
        assert not Path(f"/proc/{pid}").exists()
        assert not Path(link.greeting.sockets).exists()


async def test_takes_its_child_along_when_it_is_killed() -> None:
    async with launched() as job:
        link = await job.link()
        pid = await start(link)
        # The server says so in its first moments; before that it could not know.
        await until(lambda: "extension was successfully" in job.log)
        job.process.kill()
        await until(lambda: not _lives(pid))
        await link.close()


def _lives(pid: int) -> bool:
    """Zombies of this machine's init aside."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_leaves_when_nobody_comes() -> None:
    async with launched(SAMPAN_UNCLAIMED="0.2") as job:
        with pytest.raises(asyncssh.PermissionDenied):
            await raw(job, username="stranger")
        assert await job.ended() == 3
        assert "nobody came" in job.log


async def test_keeps_its_child_while_the_link_is_gone() -> None:
    async with launched(SAMPAN_UNCLAIMED="0.3") as job:
        link = await job.link()
        pid = await start(link)
        await link.close()
        with pytest.raises(TimeoutError):
            await job.ended(deadline=0.6)
        assert Path(f"/proc/{pid}").exists()


async def test_the_newest_link_holds() -> None:
    async with launched() as job:
        first = await job.link()
        second = await job.link()
        await asyncio.wait_for(first.closed.wait(), 5)
        with pytest.raises(SampanError):
            await first.status()
        assert (await second.status()).running is False
        await second.close()


async def test_log_is_the_end_of_the_job_log() -> None:
    async with launched() as job:
        link = await job.link()
        with (job.directory / "job.log").open("a") as log:
            log.write("前" * 5000 + "last words\n")
        assert (await link.log(64)).endswith("last words\n")
        assert len((await link.log(64)).encode()) <= 70
        await link.close()


async def test_a_line_that_is_no_request_gets_an_answer_and_a_flood_the_door() -> None:
    async with launched() as job, await raw(job) as connection:
        writer, reader, _ = await connection.open_session(subsystem="sampan", encoding=None)
        assert b'"hello"' in await reader.readline()
        for line in (b"nonsense\n", b"[]\n", b'{"id":"x"}\n', b'{"id":1}\n', b'{"id":1,"do":"exec"}\n'):
            writer.write(line)
            assert b'"ok": false' in await reader.readline()
        writer.write(b"x" * (2 * 1024 * 1024))
        assert await reader.readline() == b""


async def test_another_process_on_its_port_is_refused() -> None:
    async with launched() as job:
        other = replace(
            job.report,
            host_key=asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip(),
        )
        with pytest.raises(Refused, match="who it is"):
            await job.link(report=other)
