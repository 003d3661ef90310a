"""How jobs ended, and what they took: each end that could be brought about on a real cluster, as its records tell it."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.errors import SampanError, Unavailable
from sampan.messages import Message
from sampan_hub.jobs import JobState, JobStatus
from sampan_hub.schedulers.slurm import SlurmScheduler
from tests.sampan_hub.schedulers.slurm_answers import GOLDEN, dialect, failed, recorded, said

JOBS = json.loads((GOLDEN / "jobs.json").read_text())
HEADING = "JobIDRaw|State|ExitCode|UID|Submit|Start|End|ElapsedRaw|Suspended|AllocTRES|NodeList|MaxRSS\n"
TIMES = "2026-11-25T09:00:00|2026-11-25T09:00:10|2026-11-25T09:01:10|60|00:00:00"


@pytest.fixture
def ends() -> dict[str, JobStatus]:
    statuses = dialect().ended(JOBS.values()).parse(recorded("sacct-ends"))
    return {name: statuses[job] for name, job in JOBS.items()}


def test_each_end_has_its_reason(ends: dict[str, JobStatus]) -> None:
    assert {name: status.why for name, status in ends.items()} == {
        "ok": Message("ended.finished"),
        "seven": Message("ended.failed", {"code": 7}),
        "killed": Message("ended.signal", {"signal": 9}),
        "memory": Message("ended.memory"),
        "mine": Message("ended.cancelled_by_person"),
        "oper": Message("ended.cancelled_by_operator"),
        "node": Message("ended.node"),
        "nolog": Message("ended.not_launched"),
        "pend": Message("ended.cancelled_by_person"),
        "time": Message("ended.time"),
    }
    assert {status.state for status in ends.values()} == {JobState.ENDED}
    codes = {name: ends[name].exit_code for name in ("ok", "seven", "killed", "memory")}
    assert codes == {"ok": 0, "seven": 7, "killed": 137, "memory": 137}


def test_times_and_one_that_never_started(ends: dict[str, JobStatus]) -> None:
    ok = ends["ok"]
    assert (ok.submitted_at, ok.started_at, ok.ended_at) == (1795571452.0, 1795571452.0, 1795571455.0)
    assert (ends["pend"].started_at, ends["pend"].ended_at) == (None, 1795571457.0)


def records(*rows: str) -> dict[str, JobStatus]:
    return dict(dialect().ended(["1"]).parse(said(HEADING + "".join(f"{row}\n" for row in rows))))


def test_out_of_memory_is_told_of_the_step_alone() -> None:
    status = records(
        f"1|FAILED|0:125|7|{TIMES}|cpu=1,mem=1G|n1|", f"1.batch|OUT_OF_MEMORY|0:125||{TIMES}|cpu=1|n1|1000M"
    )
    assert status["1"].why == Message("ended.memory")


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("PREEMPTED", "ended.preempted"),
        ("OUT_OF_MEMORY", "ended.memory"),
        ("BOOT_FAIL", "ended.node"),
        ("DEADLINE", "ended.deadline"),
        ("CANCELLED", "ended.cancelled"),
        ("CANCELLED by 8", "ended.cancelled_by_operator"),
        ("CANCELLED by 7", "ended.cancelled_by_person"),
    ],
)
def test_other_ends(state: str, code: str) -> None:
    assert records(f"1|{state}|0:0|7|{TIMES}|cpu=1,mem=1G|n1|")["1"].why == Message(code)


@pytest.mark.parametrize("state", ["RUNNING", "PENDING", "SUSPENDED", "EVAPORATED", "", "REQUEUED"])
def test_what_has_not_ended_has_no_reason_to(state: str) -> None:
    status = records(f"1|{state}|0:0|7|{TIMES}|cpu=1,mem=1G|n1|")["1"]
    assert status.state is not JobState.ENDED
    assert (status.why, status.ended_at, status.exit_code) == (None, None, None)


def test_a_job_over_the_night_in_which_clocks_are_set_back() -> None:
    """Told from 02:50 to 02:20: that is half an hour, and never minus thirty minutes."""
    slurm = SlurmScheduler(("work",), {}, ZoneInfo("Europe/Berlin"), 10, {})
    times = "2026-10-25T02:40:00|2026-10-25T02:50:00|2026-10-25T02:20:00|1800|00:00:00"
    text = HEADING + f"1|COMPLETED|0:0|7|{times}|cpu=2,mem=1G|n1|\n"
    status = slurm.ended(["1"]).parse(said(text))["1"]
    assert status.started_at is not None
    assert status.ended_at == status.started_at + 1800
    assert slurm.usage(["1"]).parse(said(text))["1"].core_seconds == 3600


def test_what_was_held_to_the_second() -> None:
    usage = dialect("dcu", cards={"dcu": "dcu"}).usage(["31"]).parse(recorded("sacct-cards"))["31"]
    assert (usage.core_seconds, usage.accelerator_seconds, usage.peak_memory_mib) == (6, 9, 5)
    assert (usage.started_at, usage.ended_at) == (1795571584.0, 1795571587.0)


def test_a_running_job_has_spent_nothing_yet() -> None:
    text = HEADING + f"1|RUNNING|0:0|7|{TIMES}|cpu=2,mem=1G|n1|\n"
    assert dialect().usage(["1"]).parse(said(text)) == {}


def test_time_in_suspension_is_not_charged_but_passes() -> None:
    times = "2026-11-25T09:00:00|2026-11-25T09:00:00|2026-11-25T10:00:00|600|00:50:00"
    usage = dialect().usage(["1"]).parse(said(HEADING + f"1|COMPLETED|0:0|7|{times}|cpu=1|n1|\n"))["1"]
    assert usage.core_seconds == 600
    assert usage.started_at is not None
    assert usage.ended_at == usage.started_at + 3600


@pytest.mark.parametrize(
    ("state", "code", "whole"),
    [
        ("CANCELLED by 7", "ended.cancelled", False),
        ("CANCELLED by 0", "ended.cancelled_by_operator", True),
        ("FAILED", "ended.failed", True),
        ("CANCELLED", "ended.cancelled", True),
    ],
)
def test_a_record_that_does_not_name_the_owner_yet(state: str, code: str, whole: bool) -> None:
    """For a moment after an end the owner is 0: whoever cancelled it would seem to be somebody else."""
    status = records(f"1|{state}|0:0|0|{TIMES}|cpu=1|n1|")["1"]
    assert (status.why and status.why.code, status.whole) == (code, whole)


def test_told_twice_the_last_run_counts() -> None:
    first = f"1|REQUEUED|0:0|7|{TIMES}|cpu=1|n1|"
    assert records(first, f"1|COMPLETED|0:0|7|{TIMES}|cpu=1|n2|")["1"].state is JobState.ENDED


def test_a_site_without_records_has_said_so_and_one_that_is_away_has_not() -> None:
    assert dialect().ended(["1"]).parse(failed("Slurm accounting storage is disabled\n")) == {}
    away = "sacct: error: Problem talking to the database: Connection refused\n"
    for done in (failed(away), said(""), said("\n"), failed("")):
        for ask in (dialect().ended(["1"]), dialect().usage(["1"]), dialect().recall(["a"])):
            with pytest.raises(Unavailable):
                ask.parse(done)


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    line = text.replace("\n", " ")
    for whole in (text, HEADING + text, HEADING + f"1|{line}|0:0|7|{TIMES}|{line}|n1|{line}\n"):
        for ask in (dialect().ended(["1"]), dialect().usage(["1"])):
            try:
                ask.parse(said(whole))
            except (SampanError, ValueError):
                continue
