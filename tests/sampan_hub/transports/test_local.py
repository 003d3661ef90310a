from __future__ import annotations

import asyncio
import os
import pwd
import signal
from pathlib import Path
from typing import Any

import pytest

from sampan.errors import Refused
from sampan_hub.testing.transport_contract import TransportContract
from sampan_hub.transports import Transport
from sampan_hub.transports.local import LocalTransport

NAMES = {"en": "Here", "zh": "本机"}
as_root = pytest.mark.skipif(
    os.geteuid() != 0 and os.environ.get("CI") != "true",
    reason="acts as other accounts, which root alone can",
)


class TestLocal(TransportContract):
    @pytest.fixture
    def transport(self) -> Transport:
        return LocalTransport(NAMES)


@as_root
class TestAsAnother(TransportContract):
    """The same for a broker that runs as root and asks as the centre's account."""

    @pytest.fixture
    def transport(self) -> Transport:
        return LocalTransport(NAMES, "games")


def own() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


async def test_ones_own_account_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Except by root: a name is written in a file, and no file makes anything run as root."""
    if os.getuid() != 0:
        done = await LocalTransport(NAMES).run(["id", "-un"], account=own())
        assert done.stdout.strip() == own()
    for account in ("root", "captain"):
        with monkeypatch.context() as patch:
            patch.setattr(pwd, "getpwnam", lambda name: pwd.getpwuid(0))
            with pytest.raises(Refused):
                await LocalTransport(NAMES).run(["id", "-un"], account=account)


@as_root
async def test_as_another_account_with_nothing_of_root(tmp_path: Path) -> None:
    transport = LocalTransport(NAMES, "games")
    done = await transport.run(["sh", "-c", "id -un; id -G; pwd; echo $HOME; ls -l /proc/self/fd | wc -l"])
    name, groups, folder, home, handles = done.stdout.split("\n")[:5]
    assert (name, folder, home) == ("games", "/", pwd.getpwnam("games").pw_dir)
    assert groups == str(pwd.getpwnam("games").pw_gid), "none of root's groups"
    assert int(handles) <= 6
    assert (await transport.run(["id", "-un"], account="news")).stdout == "news\n"
    (tmp_path / "of-root").write_text("secret")
    (tmp_path / "of-root").chmod(0o600)
    assert (await transport.run(["cat", str(tmp_path / "of-root")])).status == 1


async def test_an_account_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        await LocalTransport(NAMES).run(["id"], account="no-such-account")
    assert caught.value.code == "centre.local_account"


async def test_without_root_only_ones_own_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4321)
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: pwd.getpwnam("root"))
    with pytest.raises(Refused):
        await LocalTransport(NAMES).run(["id"], account="games")


async def test_a_command_that_is_cancelled_as_it_begins_does_not_run_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between its begin and the moment in which we are told of it there is nobody yet who could end it."""
    begin = asyncio.create_subprocess_exec
    begun, told = asyncio.Event(), asyncio.Event()
    processes: list[asyncio.subprocess.Process] = []

    async def begin_slowly(*argv: Any, **how: Any) -> asyncio.subprocess.Process:
        processes.append(await begin(*argv, **how))
        begun.set()
        await told.wait()
        return processes[0]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", begin_slowly)
    command = asyncio.create_task(LocalTransport(NAMES).run(["sleep", "600"]))
    await asyncio.wait_for(begun.wait(), 30)
    command.cancel()
    asyncio.get_running_loop().call_soon(told.set)
    with pytest.raises(asyncio.CancelledError):
        await command
    assert processes[0].returncode == -signal.SIGKILL
