"""The federation by hand: each word of `python -m tests.federation`, and the hub of `make demo FEDERATION=1` on it.

On a federation of its own: whoever brings one up by hand keeps it.
"""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from tests.federation.federation import Federation
from tests.federation.host import REPOSITORY
from tests.federation.needs import missing
from tests.ways.whole_hub import WholeHub, came

pytestmark = pytest.mark.federation


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    lack = missing()
    assert lack is None, lack
    # Accounts of the centres pass through it, and pytest's own folders are closed to them.
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_mode & 0o001 == 0:
            folder.chmod(folder.stat().st_mode | 0o011)
    path = tmp_path / "federation"
    monkeypatch.setenv("SAMPAN_FEDERATION", str(path))
    yield path
    Federation(path).down()


async def said(*words: str, status: int = 0) -> str:
    argv = [sys.executable, "-m", "tests.federation", *words]
    done = await asyncio.to_thread(
        subprocess.run, argv, cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    return str(done.stdout)


def begun(argv: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("w") as file:
        return subprocess.Popen(argv, cwd=REPOSITORY, stdout=file, stderr=file)


async def row(host: str) -> list[str]:
    """What `status` says of a host: address, whether it is up, and the rest."""
    [line] = [line for line in (await said("status")).splitlines() if line.startswith(f"{host} ")]
    return line.split()[1:]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_hub_on_a_federation_by_hand(root: Path, tmp_path: Path) -> None:
    """Up from nothing in less than a minute, filled, freed, cut and healed while a hub looks on; then down.

    Four centres start here, and a whole hub: seconds each, and a minute together where the machine is busy.
    """
    assert await said("status", status=1) == "the federation is down\n"
    hub = WholeHub(tmp_path / "state", "federation")
    words = ("--state", str(hub.state), "--port", str(hub.port))
    argv = [sys.executable, "-m", "tests.federation", "demo", *words]
    demo = begun(argv, tmp_path / "demo.log")
    try:
        await came(hub.answers, 150)
        up = re.search(r"the federation is up after ([0-9.]+) s", (tmp_path / "demo.log").read_text())
        assert up is not None
        assert float(up[1]) < 60
        await came(lambda: told(hub, "east", cores_free=16), 60)
        assert await said("fill", "east") == "job 1\n"
        await came(lambda: told(hub, "east", cores_free=0))
        assert (await row("east-n1"))[1:] == ["yes", "allocated", "8", "0", "1"]
        await said("free", "east")
        await came(lambda: told(hub, "east", cores_free=16))
        await said("cut", "west")
        assert (await row("west-login"))[1:4] == ["yes", "cut", "off"]
        await came(lambda: told(hub, "west", state="unreachable"))
        await said("heal", "west")
        await came(lambda: told(hub, "west", state="ok", cores_free=16), 60)
        assert await said("run", "east-n1", "--as", "e-alice", "--", "id", "-un") == "e-alice\n"
    except BaseException:
        print(
            (tmp_path / "demo.log").read_text(),
            *(hub.log(part)[-3000:] for part in ("hub", "broker", "proxy")),
            sep="\n",
        )
        raise
    finally:
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(60) == 0
    # The hub has ended, and what it ran on stays as it is.
    assert (await row("core-n2"))[1:] == ["yes", "idle", "8", "8", "0"]
    await said("down")
    assert await said("status", status=1) == "the federation is down\n"
    assert not root.exists()


async def told(hub: WholeHub, centre: str, **facts: Any) -> bool:
    """Whether the hub says so of the centre, or of each of its queues."""
    [found] = [one for one in await hub.ask("GET", "/centres") if one["id"] == centre]
    return all(
        {**share, "state": found["state"]}[key] == facts[key] for share in found["shares"] for key in facts
    )


def test_federations_that_begin_at_once_do_not_meet(root: Path) -> None:
    made = [Federation(root.with_name(f"{root.name}{number}")) for number in range(4)]
    together = Barrier(len(made))

    def begin(federation: Federation) -> None:
        together.wait()
        federation.take_range()

    threads = [Thread(target=begin, args=(one,)) for one in made]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ranges = [one.record.range for one in made]
        assert None not in ranges
        assert len(set(ranges)) == len(made), ranges
    finally:
        for one in made:
            one.down()
