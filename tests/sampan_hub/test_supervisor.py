"""The supervisor with small real programs as its children."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sampan_hub import supervisor
from sampan_hub.fd_store import FdStore
from sampan_hub.process_lock import holder
from sampan_hub.supervisor import Child, Program
from tests.waiting import until, wait_until

Keep = Callable[..., Awaitable[Child]]
SLEEP = "import time\nprint('up', flush=True)\ntime.sleep(60)"


def program(folder: Path, code: str, **environment: str) -> Program:
    return Program(
        name="part",
        argv=(sys.executable, "-c", code),
        environment={**os.environ, **environment},
        directory=folder,
        log=folder / "part.log",
        lock=folder / "part.lock",
    )


@pytest.fixture
async def keep(tmp_path: Path) -> AsyncIterator[Keep]:
    """Starts a child that is ended after the test."""
    running: list[tuple[Child, asyncio.Task[None]]] = []

    async def begin(code: str, store: FdStore | None = None, died: Any = None, **environment: str) -> Child:
        child = Child(program(tmp_path, code, **environment), store, died)
        running.append((child, asyncio.create_task(child.keep())))
        await child.restarted(0)
        return child

    yield begin
    for child, task in running:
        child.stop()
        await task


def log(folder: Path) -> str:
    try:
        return (folder / "part.log").read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def printed(folder: Path, times: int) -> bool:
    return log(folder).count("up") == times


def state(pid: int) -> str:
    """As `ps` names it: T is stopped, Z a zombie, and what is not there any more is taken for one."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "Z"


def alive(pid: int) -> bool:
    """Not a zombie either."""
    return state(pid) != "Z"


async def test_a_killed_child_is_soon_back_and_never_twice(keep: Keep, tmp_path: Path) -> None:
    deaths: list[tuple[int, int]] = []
    child = await keep(SLEEP, died=lambda _, code, soon: deaths.append((code, soon)))
    for round_ in range(1, 3):
        await until(partial(printed, tmp_path, round_))
        assert holder(child.program.lock) == child.pid
        first = child.pid
        assert first is not None
        began = time.monotonic()
        os.kill(first, signal.SIGKILL)
        await child.restarted(round_)
        await until(lambda: holder(child.program.lock) == child.pid)
        assert time.monotonic() - began < 5
        assert not alive(first)
        assert deaths[-1] == (-signal.SIGKILL, round_)
    await until(lambda: printed(tmp_path, 3))
    assert (tmp_path / "part.log").stat().st_mode & 0o777 == 0o600


async def test_deaths_in_a_row_are_spaced_out(keep: Keep, tmp_path: Path) -> None:
    times: list[float] = []
    await keep("raise SystemExit(3)", died=lambda _, code, soon: times.append(time.monotonic()))
    await until(lambda: len(times) == 4)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert gaps[2] > gaps[1] > gaps[0] > 0.1


async def test_stop_asks_first(keep: Keep, tmp_path: Path) -> None:
    code = "import signal, sys\nsignal.signal(15, lambda *_: (print('bye'), sys.exit()))\nprint('up', flush=True)\nsignal.pause()"
    child = await keep(code)
    await until(lambda: "up" in log(tmp_path))
    child.stop()
    await until(lambda: child.pid is None)
    assert log(tmp_path).endswith("bye\n")
    assert child.starts == 1


async def test_stop_insists_after_the_grace(
    keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "GRACE", 0.2)
    child = await keep(f"import signal\nsignal.signal(15, signal.SIG_IGN)\n{SLEEP}")
    await until(lambda: "up" in log(tmp_path))
    child.stop()
    await until(lambda: child.pid is None)


async def test_one_left_behind_is_ended_before_the_next_starts(keep: Keep, tmp_path: Path) -> None:
    """As after `kill -9` of a supervisor whose child hangs in a system call: it still holds the lock."""
    left = program(tmp_path, SLEEP)
    hold = f"import fcntl\nkept = open({str(left.lock)!r}, 'a')\nfcntl.lockf(kept, fcntl.LOCK_EX)\n{SLEEP}"
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.DEVNULL) as old:  # noqa: ASYNC220
        await until(lambda: holder(left.lock) == old.pid)
        child = await keep(SLEEP)
        assert old.wait() == -signal.SIGTERM
        await until(lambda: holder(left.lock) == child.pid)


SUPERVISE = """
import asyncio, os, sys
from pathlib import Path
from sampan_hub.supervisor import Child, Program
folder = Path(sys.argv[1])
code = "import time, signal\\nsignal.signal(15, signal.SIG_IGN)\\nprint('up', flush=True)\\ntime.sleep(60)"
program = Program("part", (sys.executable, "-c", code), dict(os.environ), folder, folder / "part.log", folder / "part.lock")
asyncio.run(Child(program).keep())
"""


def test_the_child_ends_with_a_killed_supervisor(tmp_path: Path) -> None:
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", SUPERVISE, str(tmp_path)], env=here) as supervising:
        wait_until(lambda: "up" in log(tmp_path))
        child = holder(tmp_path / "part.lock")
        assert child is not None
        supervising.kill()
    wait_until(lambda: not alive(child))


SERVE = """
import os, socket, sys
names = os.environ["LISTEN_FDNAMES"].split(":")
assert os.environ["LISTEN_PID"] == str(os.getpid()) and int(os.environ["LISTEN_FDS"]) == len(names)
api = socket.socket(fileno=3 + names.index("api"))
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.connect(os.environ["NOTIFY_SOCKET"])
if "door" not in names:
    door = socket.create_server(("127.0.0.1", 0))
    socket.send_fds(notify, [b"FDSTORE=1\\nFDNAME=door"], [door.fileno()])
else:
    door = socket.socket(fileno=3 + names.index("door"))
notify.send(b"READY=1")
while True:
    with api.accept()[0] as asked:
        if asked.recv(16) == b"stay":
            asked.sendall(b"%d %d" % (os.getpid(), door.getsockname()[1]))
        else:
            os.kill(os.getpid(), 9)
"""


async def test_sockets_and_waiting_connections_outlive_the_child(keep: Keep, tmp_path: Path) -> None:
    store = FdStore(tmp_path / "notify.sock")
    try:
        with socket.create_server(("127.0.0.1", 0)) as api:
            store.keep("api", api)
            address = api.getsockname()
        child = await keep(SERVE, store)
        await asyncio.wait_for(store.ready.wait(), 10)
        first = await _ask(address, b"stay")
        # The second connection is in the queue when the first one kills the server: it is served by the next.
        fatal, waiting = await asyncio.open_connection(*address), asyncio.create_task(_ask(address, b"stay"))
        fatal[1].write(b"die!")
        second = await asyncio.wait_for(waiting, 10)
        fatal[1].close()
        assert child.starts == 2
        assert first.split()[0] != second.split()[0]
        assert first.split()[1] == second.split()[1]
        assert [name for name, _ in store.kept()] == ["api", "door"]
    finally:
        store.close()


async def _ask(address: tuple[str, int], text: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(text)
    try:
        return await reader.read()
    finally:
        writer.close()


async def test_a_child_gets_nothing_that_is_not_its_own(keep: Keep, tmp_path: Path) -> None:
    code = (
        "import json, os, sys\n"
        "links = {fd: os.readlink(f'/proc/self/fd/{fd}') for fd in range(3, 100) if os.path.exists(f'/proc/self/fd/{fd}')}\n"
        "print(json.dumps([links, os.getcwd(), os.environ['SECRET'], os.getsid(0) == os.getpid()]), flush=True)\n"
        "import time; time.sleep(60)"
    )
    with socket.socket() as ours:
        os.set_inheritable(ours.fileno(), True)
        await keep(code, SECRET="s3cret")
        await until(lambda: log(tmp_path).endswith("\n"))
    links, folder, secret, own_session = json.loads(log(tmp_path))
    assert list(links.values()) == [str(tmp_path / "part.lock")]
    assert (folder, secret, own_session) == (str(tmp_path), "s3cret", True)
    assert "s3cret" not in repr(program(tmp_path, code, SECRET="s3cret"))


async def test_a_program_that_is_not_there_is_told_and_tried_again(keep: Keep, tmp_path: Path) -> None:
    deaths: list[int] = []
    missing = Program(
        "part", ("/no/such/program",), {}, tmp_path, tmp_path / "part.log", tmp_path / "part.lock"
    )
    child = Child(missing, died=lambda _, code, soon: deaths.append(code))
    task = asyncio.create_task(child.keep())
    await until(lambda: len(deaths) == 2)
    child.stop()
    await task
    assert "/no/such/program" in log(tmp_path)


async def test_a_log_that_has_grown_too_long_is_set_aside(
    keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LARGEST_LOG", 10)
    (tmp_path / "part.log").write_text("a long history\n", encoding="utf-8")
    await keep(SLEEP)
    await until(lambda: log(tmp_path) == "up\n")
    assert (tmp_path / "part.log.1").read_text(encoding="utf-8") == "a long history\n"


async def test_a_child_that_lives_and_does_not_answer_is_started_again(
    keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped, it is as alive as ever; one that answers is left alone, and so is one that was started again meanwhile."""
    monkeypatch.setattr(supervisor, "LOOK", 0.05)
    monkeypatch.setattr(supervisor, "PATIENCE", 0.5)
    child = await keep(SLEEP)

    async def answers() -> None:
        await until(lambda: child.pid is not None and state(child.pid) not in "TZ")

    watching = asyncio.create_task(supervisor.end_when_it_hangs(child, answers))
    await asyncio.sleep(0.3)
    assert child.starts == 1
    assert child.pid is not None
    os.kill(child.pid, signal.SIGSTOP)
    assert await asyncio.wait_for(child.restarted(1), 10) == 2
    await asyncio.sleep(0.8)
    assert child.starts == 2
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
