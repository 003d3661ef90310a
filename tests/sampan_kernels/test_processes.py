"""The process scheduler as those see it who run its verbs. Real processes throughout."""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sampan_kernels.a_spool import ASpool
from tests.waiting import wait_until


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[ASpool]:
    spool = ASpool(tmp_path)
    yield spool
    spool.clear()


def test_a_job_from_its_submission_to_its_end(spool: ASpool) -> None:
    before = time.time()
    number = spool.submit("echo 中文 $SAMPAN_JOB_ID; exit 3")
    assert number == "1"
    job = spool.wait(number)
    assert (job["reason"], job["exit_code"], job["node"]) == ("failed", 3, os.uname().nodename)
    assert before <= job["submitted_at"] <= job["started_at"] <= job["ended_at"] <= time.time()
    assert spool.log().read_text() == "中文 1\n"
    assert stat.S_IMODE(spool.log().stat().st_mode) == 0o600
    assert spool.free() == (4, 1024)
    assert spool.wait(spool.submit("true", "sampan-hub1-job1-2"))["reason"] == "finished"


def test_first_come_first_served_and_never_more_than_there_is(spool: ASpool) -> None:
    """Thirty at once on four cores, each of one or two: at no moment are more than four held, and numbers start in order."""
    spool.ask("capacity")
    began = []
    for number in range(30):
        words = spool.words(f"sampan-hub1-job{number}-1", cores=1 + number % 2, memory_mib=30)
        program = subprocess.Popen(
            spool.command(*words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        began.append(program)
    script = f"echo $SAMPAN_JOB_ID >> {spool.root}/ran; sleep 0.15"
    for program in began:
        assert program.stdin is not None
        program.stdin.write(script)
        program.stdin.close()
    numbers = []
    for program in began:
        assert program.stdout is not None
        numbers.append(int(program.stdout.read()))
        program.stdout.close()
        assert program.wait() == 0
    assert sorted(numbers) == list(range(1, 31))
    wait_until(lambda: all(job["state"] == "ended" for job in spool.ask("find")["jobs"]), 40)
    jobs = spool.ask("find")["jobs"]
    starts = [job["started_at"] for job in sorted(jobs, key=lambda job: int(job["id"]))]
    assert starts == sorted(starts)
    changes = sorted(
        [(job["started_at"], 1, job["cores"]) for job in jobs]
        + [(job["ended_at"], 0, -job["cores"]) for job in jobs]
    )
    held = most = 0
    for _, _, cores in changes:
        held += cores
        most = max(most, held)
    assert most == 4
    ran = (spool.root / "ran").read_text().split()
    assert sorted(map(int, ran)) == list(range(1, 31)), "each ran exactly once"


def test_a_small_job_does_not_pass_a_large_one_that_waits(spool: ASpool) -> None:
    first = spool.submit("sleep 60", "sampan-hub1-first-1", cores=2)
    large = spool.submit("sleep 60", "sampan-hub1-large-1", cores=4)
    small = spool.submit("sleep 60", "sampan-hub1-small-1", cores=1)
    other = spool.submit("sleep 60", "other", cores=1)
    jobs = {job["id"]: job for job in spool.ask("status", first, large, small, other, "99")["jobs"]}
    assert [jobs[number]["state"] for number in (first, large, small)] == ["running", "queued", "queued"]
    assert [jobs[number]["ahead"] for number in (first, large, small, other)] == [None, 0, 1, 2]
    assert spool.ask("capacity")["pending"] == {"main": 3}
    spool.ask("cancel", "--tag=other", other)
    spool.ask("cancel", "--tag=sampan-hub1-large-1", large)
    spool.wait(small, "running")
    assert spool.status(large)["reason"] == "cancelled"
    assert spool.status(large)["started_at"] is None


def test_found_by_tag(spool: ASpool) -> None:
    first = spool.submit("true", "sampan-hub1-one-1")
    second = spool.submit("true", "sampan-hub1-two-1")
    spool.submit("true", "not-ours")
    assert [job["id"] for job in spool.ask("find", "sampan-hub1-two-1")["jobs"]] == [second]
    assert [job["id"] for job in spool.ask("find")["jobs"]] == [first, second]
    assert spool.ask("find", "sampan-hub1-three-1")["jobs"] == []


def test_a_cancel_needs_the_tag(spool: ASpool) -> None:
    number = spool.submit("sleep 60")
    refused = spool.run("cancel", "--tag=sampan-hub1-other-1", number)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "another tag" in refused.stderr
    assert spool.status(number)["state"] == "running"
    assert spool.ask("cancel", "--tag=sampan-hub1-job1-1", "77") == {"asked": False}
    assert spool.ask("cancel", "--tag=sampan-hub1-job1-1", number) == {"asked": True}
    spool.wait(number)
    assert spool.ask("cancel", "--tag=sampan-hub1-job1-1", number) == {"asked": True}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--cores=5"], "cores must be from 1 to 4; 5 was asked for"),
        (["--cores=0"], "cores must be from 1 to 4; 0 was asked for"),
        (["--memory-mib=1025"], "memory_mib must be from 1 to 1024"),
        (["--minutes=0"], "minutes must be"),
        (["--minutes=nan"], "minutes must be"),
        (["--tag=../x"], "short names"),
        (["--queue=a b"], "short names"),
        (["--accelerator=dcu", "--accelerators=1"], "there are 0 of dcu"),
        (["--log=/nowhere/log"], "the log /nowhere/log cannot be written: No such file"),
    ],
)
def test_what_can_never_run_is_refused(spool: ASpool, words: list[str], why: str) -> None:
    done = spool.run(*spool.words("sampan-hub1-job1-1"), *words, script="true")
    assert (done.returncode, done.stdout) == (3, "")
    assert why in done.stderr
    assert spool.ask("find")["jobs"] == []


@pytest.mark.parametrize("script", ["#" * (1 << 20) + "\n", ""])
def test_a_script_of_a_megabyte_is_refused_and_one_of_nothing(spool: ASpool, script: str) -> None:
    """Nothing at all is what a broker leaves on the way that is killed in this moment: no job comes of it."""
    done = spool.run(*spool.words("sampan-hub1-job1-1"), script=script)
    assert (done.returncode, "1 to" in done.stderr) == (3, True)
    assert spool.ask("find")["jobs"] == []


def test_accelerators_are_admitted_too(tmp_path: Path) -> None:
    spool = ASpool(tmp_path, 4, 1024, "--accelerator=dcu=1")
    cards = ("--accelerator=dcu", "--accelerators=1")
    first = spool.submit("sleep 60", "sampan-hub1-one-1", *cards)
    second = spool.submit("true", "sampan-hub1-two-1", *cards)
    assert spool.status(second)["state"] == "queued"
    assert spool.ask("capacity")["free"] == {"cores": 3, "memory_mib": 960, "accelerators": {"dcu": 0}}
    spool.ask("cancel", "--tag=sampan-hub1-one-1", first)
    spool.wait(second)


def test_usage_of_what_has_ended(spool: ASpool) -> None:
    done = spool.submit("sleep 0.3", cores=2)
    runs = spool.submit("sleep 60", "sampan-hub1-job1-2")
    spool.wait(done)
    [job] = spool.ask("usage", done, runs)["jobs"]
    assert job["id"] == done
    assert 0.3 <= job["ended_at"] - job["started_at"] < 3
    assert job["peak_memory_mib"] >= 1


@pytest.mark.parametrize("also_the_shepherd", [False, True])
def test_killed_in_the_middle_of_a_submission(spool: ASpool, also_the_shepherd: bool) -> None:
    """Whatever the moment: the job is there and is looked after, or it is not there. Never twice, never half."""
    spool.ask("capacity")
    chance = random.Random(also_the_shepherd)
    for number in range(25):
        words = spool.command(*spool.words(f"sampan-hub1-job{number}-1"))
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as program:
            assert program.stdin is not None
            program.stdin.write(f"echo {number} >> {spool.root}/ran".encode())
            program.stdin.close()
            time.sleep(chance.uniform(0.02, 0.06))
            for pid in _carrying(f"--tag=sampan-hub1-job{number}-1") if also_the_shepherd else [program.pid]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
    wait_until(lambda: all(job["state"] == "ended" for job in spool.ask("find")["jobs"]))
    jobs = spool.ask("find")["jobs"]
    tags = [job["tag"] for job in jobs]
    assert len(tags) == len(set(tags))
    ran = (spool.root / "ran").read_text().split() if (spool.root / "ran").exists() else []
    assert len(ran) == len(set(ran))
    finished = {job["tag"] for job in jobs if job["reason"] == "finished"}
    known = {f"sampan-hub1-job{number}-1" for number in ran}
    assert finished <= known <= set(tags)
    if not also_the_shepherd:
        assert finished == set(tags)
    assert spool.free() == (4, 1024)


def _carrying(word: str) -> list[int]:
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in line.read_bytes().split(b"\0"):
                found.append(int(line.parts[2]))
        except OSError:
            continue
    return found
