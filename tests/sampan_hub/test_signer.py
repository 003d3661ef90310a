"""The signer as a process of its own, asked over its socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from sampan.errors import Forbidden, Unavailable
from sampan_hub import signing
from sampan_hub.authority import Authority
from sampan_hub.certificates import Request
from sampan_hub.credentials import Credentials
from sampan_hub.signer import flags
from sampan_hub.signing import Signer
from tests.sampan_hub.descriptions import far
from tests.waiting import wait_until

PUBLIC = asyncssh.generate_private_key("ssh-ed25519").export_public_key("openssh").decode().strip()
ROOT = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(
    os.geteuid() != 0 and os.environ.get("CI") != "true",
    reason="asks as another account, which root alone can",
)


class Running:
    """A signer on `state`."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.socket = state / "run" / "signer.sock"
        (state / "centres").mkdir(parents=True)
        (state / "centres" / "core.yaml").write_text(far())
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str) -> None:
        argv = [
            sys.executable,
            "-m",
            "sampan_hub.signer",
            "--state",
            str(self.state),
            "--hub-id",
            "test1",
            *more,
        ]
        self.socket.unlink(missing_ok=True)
        with (self.state / "log").open("ab") as log:
            environment = {**os.environ, "PYTHONPATH": str(ROOT / "hub")}
            self._process = subprocess.Popen(argv, env=environment, stdout=log, stderr=log)
        wait_until(self.socket.is_socket, 20)

    def end(self, number: signal.Signals = signal.SIGKILL) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(10)

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.state / "log").read_text().splitlines()]

    def credentials(self, centre: str = "core") -> Credentials:
        return Credentials(self.socket, centre)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path / "state")
    running.start()
    yield running
    running.end()


def ask(account: str = "hpc0042", centre: str = "core", **more: object) -> bytes:
    return json.dumps({"centre": centre, "account": account, "key": PUBLIC, **more}).encode() + b"\n"


async def talk(path: Path, *lines: bytes) -> list[bytes]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    answers = []
    try:
        for line in lines:
            writer.write(line)
            answers.append(await asyncio.wait_for(reader.readline(), 10))
    finally:
        writer.close()
        await writer.wait_closed()
    return answers


async def test_a_certificate_for_whoever_is_listed(running: Running) -> None:
    credential = await running.credentials().fetch("hpc0042")
    assert 200 < credential.until - time.monotonic() < 300 - 50
    service = await running.credentials().fetch("sampan")
    assert service.good
    one, two = (line for line in running.log if line["event"] == "signed")
    assert {name: one[name] for name in ("centre", "account", "purpose", "key_id", "uid", "pid")} == {
        "centre": "core",
        "account": "hpc0042",
        "purpose": "person",
        "key_id": "sampan:test1:core:hpc0042:person",
        "uid": os.geteuid(),
        "pid": os.getpid(),
    }
    assert one["ca"] == Authority(running.state / "ca" / "core", "").state().signs.fingerprint
    assert two["serial"] > one["serial"]
    assert two["purpose"] == "service"


@pytest.mark.parametrize(
    ("centre", "account", "code"),
    [
        ("core", "root", "signer.account"),
        ("core", "alice", "signer.account"),
        ("core", "hpc0045", "signer.account"),
        ("east", "hpc0042", "signer.centre"),
    ],
)
async def test_nobody_else(running: Running, centre: str, account: str, code: str) -> None:
    with pytest.raises(Forbidden) as caught:
        await running.credentials(centre).fetch(account)
    assert caught.value.code == code
    [line] = running.log
    assert (line["event"], line["account"], line["code"]) == ("refused", account, code)


async def test_what_the_descriptor_no_longer_lists(running: Running) -> None:
    await running.credentials().fetch("hpc0043")
    file = running.state / "centres" / "core.yaml"
    file.write_text(far().replace("Bob: hpc0043, ", ""))
    with pytest.raises(Forbidden):
        await running.credentials().fetch("hpc0043")
    await running.credentials().fetch("hpc0042")
    file.unlink()
    with pytest.raises(Forbidden):
        await running.credentials().fetch("hpc0042")


async def test_who_was_revoked(running: Running) -> None:
    """Also while it runs: `sampan ca` is another process."""
    await running.credentials().fetch("hpc0042")
    authority = Authority(running.state / "ca" / "core", "")
    authority.revoke(accounts=("hpc0042",))
    with pytest.raises(Forbidden) as caught:
        await running.credentials().fetch("hpc0042")
    assert caught.value.code == "signer.revoked"
    authority.restore("hpc0042")
    await running.credentials().fetch("hpc0042")


async def test_killed_it_goes_on_where_it_was(running: Running) -> None:
    await running.credentials().fetch("hpc0042")
    before = running.log[-1]
    running.end()
    with pytest.raises(Unavailable) as caught:
        await running.credentials().fetch("hpc0042")
    assert caught.value.code == "signer.away"
    running.start()
    await running.credentials().fetch("hpc0042")
    assert running.log[-1]["serial"] > before["serial"]
    assert running.log[-1]["ca"] == before["ca"]


def test_asked_to_end_it_ends(running: Running) -> None:
    assert running.end(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"{}\n",
        b"[" * 4000 + b"\n",
        b"\xff\xfe\n",
        ask(minutes=600),
        ask(principals=["root"]),
        ask("a b"),
    ],
)
async def test_what_it_does_not_understand(running: Running, line: bytes) -> None:
    """It says so, and goes on."""
    answer, after = await talk(running.socket, line, ask())
    assert json.loads(answer)["error"]["code"] == "signer.request"
    assert "certificate" in json.loads(after)


@pytest.mark.parametrize("line", [b"x" * 100_000 + b"\n", ask()[:-1]])
async def test_a_line_that_is_too_long_or_cut_off(running: Running, line: bytes) -> None:
    """Not answered, also where what came so far could be read as a request."""
    reader, writer = await asyncio.open_unix_connection(str(running.socket))
    writer.write(line)
    writer.write_eof()
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 15) == b""
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    assert running.log == []
    assert "certificate" in json.loads((await talk(running.socket, ask()))[0])


async def test_only_so_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "PER_ACCOUNT", (3, 0.0))
    (tmp_path / "core.yaml").write_text(far())
    made = Signer(tmp_path, tmp_path / "ca", hub="test1", minutes=5)
    request = Request("core", "hpc0042", PUBLIC)
    for _ in range(3):
        made.sign(request, (1, 0))
    with pytest.raises(Unavailable) as caught:
        made.sign(request, (1, 0))
    assert caught.value.code == "signer.busy"
    made.sign(Request("core", "hpc0043", PUBLIC), (1, 0))


def test_what_cannot_be_logged_is_not_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, text: str) -> int:
            raise OSError("No space left on device")

        def flush(self) -> None:
            """Nothing was written."""

    (tmp_path / "core.yaml").write_text(far())
    made = Signer(tmp_path, tmp_path / "ca", hub="test1", minutes=5)
    monkeypatch.setattr(sys, "stderr", Full())
    with pytest.raises(Unavailable) as caught:
        made.sign(Request("core", "hpc0042", PUBLIC), (1, 0))
    assert caught.value.code == "signer.log"


def test_where_nobody_is_reached_over_ssh_it_costs_next_to_nothing(tmp_path: Path) -> None:
    """What signs is loaded when it is first asked, or where there are keys already."""
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import sampan_hub.signer"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "hub")},
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    imported = {line.rpartition("|")[2].strip() for line in told.splitlines()}
    assert "asyncio" in imported
    assert imported & {"asyncssh", "cryptography", "pydantic", "yaml", "jupyterhub", "sqlalchemy"} == set()


def test_the_socket_is_its_owners_alone(running: Running) -> None:
    assert running.socket.stat().st_mode & 0o777 == 0o600


@as_root
def test_another_account_gets_nothing(running: Running, tmp_path: Path) -> None:
    """Even where it can connect: the kernel says who it is. Named, it may ask: so the signer has an account of its own."""
    for path in (*tmp_path.parents, tmp_path, running.state, running.state / "run"):
        if path.owner() == pwd.getpwuid(os.geteuid()).pw_name and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o011)
    program = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect(sys.argv[1]);"
        "s.sendall(sys.argv[2].encode()); print(s.makefile().readline())"
    )
    argv = ["/usr/bin/python3", "-c", program, str(running.socket), ask().decode()]

    def as_games() -> subprocess.CompletedProcess[str]:
        return subprocess.run(argv, user="games", capture_output=True, text=True, check=False)

    assert "PermissionError" in as_games().stderr
    running.socket.chmod(0o666)
    said = as_games()
    assert "certificate" not in said.stdout, said
    assert running.log[-1]["event"] == "stranger"
    running.end()
    running.start("--accounts", str(pwd.getpwnam("games").pw_uid))
    assert '"certificate"' in as_games().stdout


@pytest.mark.parametrize(
    "argv", [["--minutes", "0"], ["--minutes", "61"], ["--hub-id", "A;"], ["--accounts", "x"]]
)
def test_settings_that_are_none(argv: list[str]) -> None:
    with pytest.raises(SystemExit):
        flags().parse_args(argv)
