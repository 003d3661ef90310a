from __future__ import annotations

import os
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sampan_kernels import spool as spools
from sampan_kernels.spool import Spool
from tests.sampan_kernels.a_spool import ASpool, alive
from tests.waiting import wait_until

as_root = pytest.mark.skipif(
    os.geteuid() != 0 and os.environ.get("CI") != "true",
    reason="acts as other accounts, which root alone can",
)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[ASpool]:
    spool = ASpool(tmp_path)
    yield spool
    spool.account = None
    spool.clear()


@pytest.fixture
def shared(spool: ASpool) -> ASpool:
    """A spool that any account can reach and write its logs beside."""
    for folder in (spool.root, spool.root.parent, spool.root.parent.parent):
        folder.chmod(0o755)
    spool.root.chmod(0o1777)
    spool.ask("capacity")
    return spool


def test_numbers_only_ever_count_up(spool: ASpool, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        spool.wait(spool.submit("true", f"sampan-hub1-job{number}-1"))
    monkeypatch.setattr(spools, "KEPT", -1.0)
    Spool(spool.path).forget()
    assert spool.ask("status", "1", "2", "3")["jobs"] == [spool.status("3")]
    assert spool.submit("true") == "4"


def test_young_jobs_are_remembered_and_dead_drafts_are_not(
    spool: ASpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.wait(spool.submit("true"))
    spool.submit("true", "sampan-hub1-job2-1")
    draft = Spool(spool.path).draft({"tag": "x"}, b"true")
    Spool(spool.path).forget()
    assert draft.path.exists()
    monkeypatch.setattr(spools, "ABANDONED", -1.0)
    Spool(spool.path).forget()
    assert not draft.path.exists()
    assert len(spool.ask("find")["jobs"]) == 2


def test_a_declaration_that_shrinks_holds_up_nobody(spool: ASpool) -> None:
    runs = spool.submit("sleep 60", "sampan-hub1-runs-1", cores=3)
    large = spool.submit("true", "sampan-hub1-large-1", cores=4)
    spool.declared = ("--cores=2", "--memory-mib=1024")
    assert spool.free() == (0, 960), "not negative"
    small = spool.submit("true", "sampan-hub1-small-1", cores=2)
    spool.ask("cancel", "--tag=sampan-hub1-runs-1", runs)
    spool.wait(small)
    assert spool.status(large)["state"] == "queued"
    spool.declared = ("--cores=4", "--memory-mib=1024")
    spool.ask("capacity")
    spool.wait(large)


def test_a_spool_of_nobody_has_declared_nothing(tmp_path: Path) -> None:
    spool = ASpool(tmp_path)
    spool.declared = ()
    done = spool.run("capacity")
    assert (done.returncode, "has not declared" in done.stderr) == (3, True)


def test_a_spool_that_cannot_be_made_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    done = ASpool(tmp_path).run("find")
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize(
    "name", ["\u00b2.sampan-a-b-1", "9" * 200, "\u0663", "999999999999.sampan-a-b-1", "x"]
)
@pytest.mark.parametrize("place", ["jobs", "ended"])
def test_a_folder_of_any_name_stops_nobody(spool: ASpool, place: str, name: str) -> None:
    """Anybody may make one there."""
    spool.ask("capacity")
    (spool.path / place / name).mkdir()
    numbers = [spool.submit("true", f"sampan-hub1-job{number}-1") for number in range(3)]
    for number in numbers:
        spool.wait(number)
    assert len(set(numbers)) == 3
    assert {job["id"] for job in spool.ask("find")["jobs"]} == set(numbers)


@as_root
def test_accounts_share_the_cores_but_not_the_jobs(shared: ASpool) -> None:
    shared.account = "games"
    number = shared.submit("id -un; sleep 60", "sampan-hub1-one-1", cores=3)
    shared.account = "news"
    waits = shared.submit("id -un", "sampan-hub1-two-1", cores=2)
    assert [shared.status(job)["account"] for job in (number, waits)] == ["games", "news"]
    assert shared.status(waits)["state"] == "queued"
    refused = shared.run("cancel", "--tag=sampan-hub1-one-1", number)
    assert (refused.returncode, "belongs to games" in refused.stderr) == (3, True)
    [folder] = (shared.path / "jobs").glob(f"{number}.*")
    assert stat.S_IMODE((folder / "script").stat().st_mode) == 0o600
    shared.account = "games"
    shared.ask("cancel", "--tag=sampan-hub1-one-1", number)
    shared.wait(waits)
    assert shared.log("sampan-hub1-two-1").read_text() == "news\n"


@as_root
def test_only_the_owner_declares(shared: ASpool) -> None:
    shared.account = "games"
    shared.declared = ("--cores=4000", "--memory-mib=1024")
    assert shared.free() == (4, 1024)
    assert shared.run(*shared.words("sampan-a-b-1", cores=5), script="true").returncode == 3


@as_root
def test_a_stranger_gives_cores_away_only_when_nothing_can_be_left(shared: ASpool) -> None:
    """Of another account it cannot see which processes are the job's: any younger one of that account counts."""
    shared.account = "games"
    script = f"setsid sleep 1000 & echo $! > {shared.root}/pid; wait"
    number = shared.submit(script, "sampan-hub1-one-1", cores=4)
    wait_until(lambda: (shared.root / "pid").exists() and (shared.root / "pid").read_text())
    left = int((shared.root / "pid").read_text())
    shared.account = "news"
    waits = shared.submit("true", "sampan-hub1-two-1", cores=4)
    os.kill(shared.shepherd(number), signal.SIGKILL)
    for _ in range(3):
        assert shared.status(number)["state"] == "running"
        assert shared.free()[0] == 0
        time.sleep(0.2)  # nothing is to happen, so there is nothing to wait for
    assert alive(left)
    os.kill(left, signal.SIGKILL)
    wait_until(lambda: shared.status(number)["state"] == "ended")
    assert shared.status(number)["reason"] == "node"
    shared.wait(waits)
    shared.account = "games"
    assert shared.free() == (4, 1024), "and its own account has put it away"
    assert [entry.name for entry in (shared.path / "jobs").iterdir()] == []
