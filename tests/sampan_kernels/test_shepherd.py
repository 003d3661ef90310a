"""What becomes of one job: its limits, its end, and the end of whoever looks after it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sampan_kernels.a_spool import ASpool, alive
from tests.waiting import wait_until

HIDDEN = """
setsid bash -c 'trap "" TERM HUP; echo $$ >> {pids}; (setsid sleep 1000 & echo $! >> {pids}); sleep 1000' </dev/null &
disown -a
"""
"""Grandchildren in sessions of their own that will not hear of an end."""


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[ASpool]:
    spool = ASpool(tmp_path)
    yield spool
    spool.clear()


def pids_in(path: Path, count: int) -> list[int]:
    """The processes that a job wrote down, once there are so many."""
    wait_until(lambda: path.exists() and len(path.read_text().split()) >= count)
    return [int(text) for text in path.read_text().split()]


def hidden(spool: ASpool, then: str) -> str:
    return HIDDEN.format(pids=spool.root / "pids") + then


def test_nothing_of_the_submitter_comes_along(spool: ASpool) -> None:
    number = spool.submit("env; ls -l /proc/self/fd; cat")
    spool.wait(number)
    text = spool.log().read_text()
    assert "SECRET" not in text
    assert {"SAMPAN_JOB_ID=1", "LANG=C.UTF-8"} <= set(text.split())
    assert "spool" not in text, "no file of ours is left open in a job"


def test_more_memory_than_asked_for_is_the_end(spool: ASpool) -> None:
    grow = f"{sys.executable} -c 'import time; x = bytearray(120 << 20); time.sleep(1000)'"
    number = spool.submit(f"{grow} & wait", memory_mib=100)
    job = spool.wait(number)
    assert (job["reason"], job["peak_memory_mib"] > 100) == ("memory", True)
    assert spool.free() == (4, 1024)


def test_shared_memory_counts_once(spool: ASpool) -> None:
    """Twelve processes forked from one of 60 MiB are not 720 MiB."""
    fork = "import os, time; x = b'x' * (60 << 20); [os.fork() or time.sleep(1.5) for _ in range(12)]"
    number = spool.submit(f'{sys.executable} -c "{fork}"', memory_mib=300)
    job = spool.wait(number)
    assert (job["reason"], job["peak_memory_mib"] < 300) == ("finished", True)


def test_the_time_is_kept(spool: ASpool) -> None:
    number = spool.submit(
        "trap 'echo asked; exit 7' TERM; sleep 1000 & wait", "sampan-a-b-1", "--minutes=0.01"
    )
    job = spool.wait(number)
    assert (job["reason"], job["exit_code"]) == ("time", 7)
    assert 0.6 <= job["ended_at"] - job["started_at"] < 3
    assert spool.log("sampan-a-b-1").read_text() == "asked\n"


def test_who_does_not_end_when_asked_is_made_to(spool: ASpool) -> None:
    script = "trap '' TERM; while true; do sleep 1; done"
    number = spool.submit(script, "sampan-a-b-1", "--minutes=0.01", "--grace=0.3")
    job = spool.wait(number)
    assert (job["reason"], job["exit_code"]) == ("time", 137)


def test_a_cancelled_job_is_gone_with_all_its_children(spool: ASpool) -> None:
    number = spool.submit(hidden(spool, "sleep 1000"), "sampan-a-b-1", "--grace=0.3")
    pids = pids_in(spool.root / "pids", 2)
    spool.ask("cancel", "--tag=sampan-a-b-1", number)
    job = spool.wait(number)
    assert job["reason"] == "cancelled"
    assert not any(alive(pid) for pid in pids)


def test_what_a_finished_job_leaves_behind_is_ended(spool: ASpool) -> None:
    ready = f"until [ $(wc -l < {spool.root}/pids) = 2 ]; do sleep 0.02; done"
    number = spool.submit(hidden(spool, f"{ready} 2>/dev/null; exit 0"))
    job = spool.wait(number)
    assert job["reason"] == "finished"
    assert not any(alive(pid) for pid in pids_in(spool.root / "pids", 2))


def test_a_killed_shepherd_leaves_neither_processes_nor_booked_cores(spool: ASpool) -> None:
    number = spool.submit(hidden(spool, "echo $$ >> $0.pid; sleep 1000"), cores=4)
    waits = spool.submit("true", "sampan-hub1-job2-1", cores=4)
    pids = pids_in(spool.root / "pids", 2)
    os.kill(spool.shepherd(number), signal.SIGKILL)
    job = spool.status(number)
    assert (job["state"], job["reason"], job["exit_code"]) == ("ended", "node", None)
    assert not any(alive(pid) for pid in pids), "the verb that saw it has cleared them away"
    assert spool.wait(waits)["reason"] == "finished"
    assert spool.free() == (4, 1024)


def test_who_waits_clears_away_what_a_killed_shepherd_left(spool: ASpool) -> None:
    """No verb runs in between. The cores are given on only when nothing computes on them any more."""
    number = spool.submit(hidden(spool, "sleep 1000"), cores=4)
    pids = pids_in(spool.root / "pids", 2)
    gone = " && ".join(
        f"(test ! -e /proc/{pid} || grep -q '^State:.[ZX]' /proc/{pid}/status)" for pid in pids
    )
    look = f"{gone} && echo gone > {spool.root}/said"
    spool.submit(look, "sampan-hub1-job2-1", cores=4)
    os.kill(spool.shepherd(number), signal.SIGKILL)
    wait_until((spool.root / "said").exists, 10)


def test_a_killed_shepherd_in_the_queue_holds_up_nobody(spool: ASpool) -> None:
    first = spool.submit("sleep 60", "sampan-hub1-job1-1", cores=4)
    killed = spool.submit("true", "sampan-hub1-job2-1", cores=4)
    waits = spool.submit("true", "sampan-hub1-job3-1", cores=4)
    os.kill(spool.shepherd(killed), signal.SIGKILL)
    assert spool.status(killed)["reason"] == "node"
    spool.ask("cancel", "--tag=sampan-hub1-job1-1", first)
    spool.wait(waits)
    assert spool.status(killed)["started_at"] is None, "and it never starts"


def test_an_orderly_end_of_the_machine_ends_the_job(spool: ASpool) -> None:
    number = spool.submit(hidden(spool, "sleep 1000"), "sampan-a-b-1", "--grace=0.2")
    pids = pids_in(spool.root / "pids", 2)
    os.kill(spool.shepherd(number), signal.SIGTERM)
    assert spool.wait(number)["reason"] == "node"
    assert not any(alive(pid) for pid in pids)


def test_a_job_outlives_whoever_submitted_it(spool: ASpool) -> None:
    number = spool.submit("echo $PPID; sleep 1000")
    wait_until(lambda: spool.log().read_text())
    stat = Path(f"/proc/{spool.shepherd(number)}/stat").read_text().rpartition(")")[2].split()
    session, parent = int(stat[3]), int(stat[1])
    assert session != os.getsid(0)
    assert parent != os.getpid()
