"""Up and down, again, after a crash, and in the middle of it: on a federation of its own, beside whatever else is up."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.federation.federation import Federation
from tests.federation.host import REPOSITORY, Failed
from tests.federation.needs import missing
from tests.federation.record import Process, Record, within
from tests.waiting import wait_until

pytestmark = pytest.mark.federation


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lack = missing()
    assert lack is None, lack
    # Accounts of the centres pass through it, and pytest's own folders are closed to them.
    path = tmp_path_factory.mktemp("another")
    for folder in (path, *path.parents):
        if folder.stat().st_mode & 0o001 == 0 and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    return path / "federation"


@pytest.fixture(scope="module")
def another(root: Path) -> Iterator[Federation]:
    """Up already, and taken down by the last test here, or by this."""
    made = Federation(root)
    made.up()
    yield made
    made.down()


def works(federation: Federation) -> bool:
    """A person's job runs on all nodes of each centre that has some, and each login node has its sshd."""
    for centre in federation.centres.values():
        assert centre.run(["ss", "-Hltn", f"src {centre.address}:22"]).stdout
        if centre.shape.has_slurm:
            demands = [f"--{option}={value}" for option, value in centre.shape.queues[0].demands]
            account = centre.account("ben")
            nodes = centre.run(["srun", "--nodes=2", *demands, "hostname"], account=account).stdout.split()
            assert sorted(nodes) == [f"{centre.name}-{node}" for node in centre.shape.nodes]
    return True


def anchors(federation: Federation) -> dict[str, Process]:
    return federation.record.anchors()


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_up_twice_changes_nothing(another: Federation) -> None:
    """A second federation beside the first comes up before it: ten seconds, and a minute where the machine is busy."""
    before = anchors(another)
    daemons = {process for anchor in before.values() for process, name in within(anchor) if name != "sleep"}
    assert another.up() < 20
    assert anchors(another) == before
    assert daemons <= {process for anchor in before.values() for process, _ in within(anchor)}
    assert works(another)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_up_again_after_half_of_it_was_killed(another: Federation) -> None:
    """Every other daemon of every host, one whole node and one whole login node, and a link that was cut.

    Databases come back and Slurm finds its nodes again, which takes a minute where the machine is busy.
    """
    hosts = anchors(another)
    for anchor in hosts.values():
        for process, _ in sorted(within(anchor), key=lambda found: found[0].pid)[::2]:
            os.kill(process.pid, signal.SIGKILL)
    for name in ("east-n2", "cloud-login"):
        os.kill(hosts[name].pid, signal.SIGKILL)
    wait_until(lambda: not hosts["east-n2"].alive, 10)
    another.centre("west").cut()
    another.up()
    assert works(another)
    # What was whole was left as it was.
    assert anchors(another)["west-n1"] == hosts["west-n1"]


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_up_again_after_it_was_killed_on_its_way(another: Federation, root: Path) -> None:
    """Down, twice killed while it comes up, and up: three starts, each with databases and daemons of four centres.

    Once anywhere, and once while a database is being made, which goes on without whoever wanted it.
    """
    another.down()
    with coming_up(root):
        time.sleep(random.uniform(0.2, 1.0))
    with coming_up(root):
        wait_until(lambda: databases_in_the_making(another), 60)
    another.up()
    assert works(another)


@contextmanager
def coming_up(root: Path) -> Iterator[None]:
    """On its way up within; killed afterwards."""
    environment = {**os.environ, "SAMPAN_FEDERATION": str(root)}
    argv = [sys.executable, "-m", "tests.federation", "up"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(argv, cwd=REPOSITORY, env=environment, stdout=quiet, stderr=quiet) as up:
        try:
            yield
        finally:
            up.kill()


def databases_in_the_making(federation: Federation) -> list[Process]:
    found = [process for anchor in anchors(federation).values() for process, _ in within(anchor)]
    return [process for process in found if b"\0--bootstrap\0" in _arguments(process)]


def _arguments(process: Process) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process.pid}/cmdline").read_bytes()
    return b""


def test_a_pid_that_is_somebody_elses_by_now_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        record = Record(tmp_path)
        now = Process.of(other.pid)
        record.write_anchor("east-login", Process(now.pid, now.started - 1, now.boot))
        record.write_anchor("east-n1", Process(now.pid, now.started, "another boot"))
        for process in record.anchors().values():
            assert not process.alive
            process.end()
        assert now.alive
        now.end()
        assert not now.alive


def test_down_leaves_nothing(another: Federation, root: Path) -> None:
    """No process, no namespace, no mount, no link, no route, no file; and what else runs on the machine stays."""
    another.up()
    plan = another.record.range
    spaces = {
        str(Path(f"/proc/{anchor.pid}/ns/{kind}").readlink())
        for anchor in anchors(another).values()
        for kind in ("pid", "net", "mnt", "uts", "ipc")
    }
    for name in ("east", "cloud"):
        another.centre(name).fill(2)
    with subprocess.Popen(["sleep", "60"]) as bystander:
        another.down()
        assert bystander.poll() is None
        bystander.kill()
    # Whoever had entered them from outside (nsenter waits beside what it started) sees that end, and goes a moment later.
    wait_until(lambda: not spaces & _spaces(), 10)
    assert str(root) not in Path("/proc/self/mountinfo").read_text()
    assert f"s{plan}-" not in subprocess.check_output(["ip", "link"], text=True)
    assert f"10.{plan}." not in subprocess.check_output(["ip", "route"], text=True)
    assert not root.exists()
    with pytest.raises(Failed, match="is not up"):
        another.centre("east")
    another.down()


def _spaces() -> set[str]:
    """All namespaces that any process of the machine is in; those that are dead and not buried yet aside."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (folder / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
                found |= {str(link.readlink()) for link in (folder / "ns").iterdir()}
    return found
