"""One answer about everybody's jobs: ours, their places, and what waits."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.errors import SampanError, Unavailable
from sampan.messages import Message
from sampan_hub.jobs import Jobs, JobState
from tests.sampan_hub.schedulers.slurm_answers import GOLDEN, dialect, recorded, said

JOBS = json.loads((GOLDEN / "queue.json").read_text())
HEADING = (
    "sampan|JOBID|ARRAY_TASK_ID|PARTITION|STATE|PRIORITY|SUBMIT_TIME|START_TIME|END_TIME|EXEC_HOST|REASON\n"
)


@pytest.fixture
def crowd() -> Jobs:
    return dialect().status(JOBS.values()).parse(recorded("squeue-crowd"))


def test_ours_run_and_wait(crowd: Jobs) -> None:
    states = {name: crowd.statuses[job].state for name, job in JOBS.items()}
    assert states.pop("ours") is states.pop("big") is JobState.RUNNING
    assert set(states.values()) == {JobState.QUEUED}
    ours = crowd.statuses[JOBS["ours"]]
    assert (ours.nodes, ours.started_at, ours.submitted_at) == (("east-n1",), 1795571573.0, 1795571573.0)
    assert (ours.ended_at, ours.expected_start, ours.ahead, ours.why) == (None, None, None, None)


def test_places_are_by_priority_and_arrays_count_by_their_tasks(crowd: Jobs) -> None:
    ahead = {name: crowd.statuses[job].ahead for name, job in JOBS.items()}
    # Before wait2: wait1, and four tasks of the array. Before the one for both queues: in long, the one before it.
    assert (ahead["wait1"], ahead["array"], ahead["wait2"], ahead["long"], ahead["both"]) == (0, 1, 5, 0, 1)
    assert crowd.statuses[JOBS["wait2"]].expected_start == 1795582320.0
    assert crowd.statuses[JOBS["wait2"]].started_at is None


def test_who_is_held_lets_everybody_pass(crowd: Jobs) -> None:
    held = crowd.statuses[JOBS["held"]]
    assert (held.ahead, held.why, held.never) == (None, Message("batch.held_person"), False)
    # wait1, four of the array, wait2 and the one for both; neither who is held nor who is to start later.
    assert crowd.pending == {"work": 7, "long": 2}


def test_suspended_is_not_over() -> None:
    ours = dialect().status([JOBS["ours"]]).parse(recorded("squeue-suspended")).statuses[JOBS["ours"]]
    assert (ours.state, ours.nodes, ours.why) == (JobState.SUSPENDED, ("east-n1",), Message("batch.paused"))


def test_ends_as_the_queue_tells_them() -> None:
    """Enough to know that it is over; of a failure the records tell more."""
    jobs = dialect().status(["42", "43", "46", "48", "50", "51"]).parse(recorded("squeue-crowd")).statuses
    told = {job: (status.why and status.why.code, status.whole) for job, status in jobs.items()}
    assert told == {
        "42": ("ended.finished", True),
        "43": ("ended.broken", False),
        "46": ("ended.cancelled", False),
        "48": ("ended.node", True),
        "50": ("ended.cancelled", False),
        "51": ("ended.time", True),
    }
    assert (jobs["42"].exit_code, jobs["42"].ended_at, jobs["42"].nodes) == (0, 1795571455.0, ())
    assert jobs["50"].started_at is None, "it never started"


def row(job: int, state: str, *, reason: str = "None", priority: int = 5, queue: str = "work") -> str:
    times = "2026-11-25T09:00:00|N/A|N/A"
    return f"sampan|{job}|N/A|{queue}|{state}|{priority}|{times}|n/a|{reason}\n"


@pytest.mark.parametrize(
    ("reason", "code", "never"),
    [
        ("PartitionTimeLimit", "batch.too_long", True),
        ("PartitionConfig", "batch.impossible", True),
        ("AssocMaxCpuPerJobLimit", "batch.too_large", True),
        ("AssocMaxJobsLimit", "batch.limit", False),
        ("JobHeldAdmin", "batch.held_operator", False),
        ("Resources", None, False),
    ],
)
def test_why_it_waits_and_whether_that_ever_ends(reason: str, code: str | None, never: bool) -> None:
    status = dialect().status(["1"]).parse(said(HEADING + row(1, "PENDING", reason=reason))).statuses["1"]
    assert (status.why and status.why.code, status.never) == (code, never)


@pytest.mark.parametrize("state", ["EVAPORATING", "", "running", "REVOKED"])
def test_a_state_of_tomorrow_is_unknown_and_nothing_is_lost(state: str) -> None:
    jobs = dialect().status(["1", "2"]).parse(said(HEADING + row(1, state) + row(2, "PENDING")))
    assert jobs.statuses["1"].state is JobState.UNKNOWN
    assert jobs.pending == {"work": 1}


def test_who_came_first_is_served_first_among_equals() -> None:
    text = HEADING + row(12, "PENDING") + row(9, "PENDING") + row(30, "PENDING", priority=6)
    jobs = dialect().status(["9", "12", "30"]).parse(said(text))
    assert {job: status.ahead for job, status in jobs.statuses.items()} == {"30": 0, "9": 1, "12": 2}


def test_a_place_where_it_is_nearest() -> None:
    text = HEADING + row(1, "PENDING") + row(2, "PENDING") + row(3, "PENDING", queue="long,work")
    assert dialect().status(["3"]).parse(said(text)).statuses["3"].ahead == 0


def test_nobody_there_is_an_answer_and_nothing_is_none() -> None:
    assert dialect().status(["1"]).parse(said(HEADING)) == Jobs({}, {})
    for text in (
        "",
        HEADING.replace("sampan", "Sampan"),
        "slurm_load_jobs error: Unable to contact slurm controller",
    ):
        with pytest.raises(Unavailable):
            dialect().status(["1"]).parse(said(text))


def test_a_reason_with_anything_in_it_changes_nothing_else() -> None:
    text = HEADING + row(1, "PENDING", reason="a|b\nc") + row(2, "RUNNING")
    jobs = dialect().status(["1", "2"]).parse(said(text))
    assert [status.state for status in jobs.statuses.values()] == [JobState.QUEUED, JobState.RUNNING]


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    for whole in (text, HEADING + text, HEADING + row(1, text.replace("\n", " "))):
        try:
            dialect().status(["1"]).parse(said(whole))
        except (SampanError, ValueError):
            # A number that is none is made "no answer" by the centre that asks.
            continue


def test_a_hundred_thousand_jobs_are_an_answer() -> None:
    """Each with the longest of reasons: all of it is read, and each of ours has its place."""
    reason = "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions"
    line = row(1, "PENDING", reason=reason).partition("|1|")[2].replace("|5|", "|{}|")
    text = HEADING + "".join(f"sampan|{n}|{line.format(n % 1000 + 1)}" for n in range(1, 100_001))
    ask = dialect().status([str(n) for n in range(1, 100_001, 250)])
    assert len(text.encode()) < ask.most
    jobs = ask.parse(said(text))
    assert (len(jobs.statuses), jobs.pending) == (400, {"work": 100_000})
    # Four hundred priorities of a thousand are higher, or a hundred each; then those before it of its own.
    assert jobs.statuses["50001"].ahead == 998 * 100 + 50
