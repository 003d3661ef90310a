"""Every word of Slurm 22.05 to 26.x is in a table; one that is not is unknown, and never dead or free."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.sentences import SENTENCES
from sampan_hub.jobs import JobState
from sampan_hub.schedulers.slurm_refusals import NO_ANSWERS, REFUSALS
from sampan_hub.schedulers.slurm_states import (
    _FAMILIES,
    _REASONS,
    JOB_STATES,
    NODE_STATES,
    node_gives,
    state_of,
    wait_of,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "slurm"


def words(name: str) -> list[str]:
    return (GOLDEN / f"{name}.txt").read_text(encoding="utf-8").split()


# https://slurm.schedmd.com/job_state_codes.html
STATES = words("states")
OVER = (
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "TIMEOUT",
)
# https://slurm.schedmd.com/job_reason_codes.html
REASONS = words("reasons")
# https://slurm.schedmd.com/sinfo.html#SECTION_NODE-STATE-CODES, and their names in full
NODES = words("nodes")


def test_each_state_of_a_job_is_named_and_nothing_else() -> None:
    assert set(JOB_STATES) == set(STATES)


@pytest.mark.parametrize("raw", STATES)
def test_only_what_is_over_is_over(raw: str) -> None:
    state = state_of(raw)
    assert (state.state is JobState.ENDED) == (raw in OVER)
    if raw in OVER:
        assert state.code is not None


@pytest.mark.parametrize(
    "raw", ["", "EVAPORATED", "completed", "?", "COMPLETED,SOMETHING", "F", "NODE_FAILED"]
)
def test_a_state_of_tomorrow_is_unknown(raw: str) -> None:
    assert state_of(raw).state is JobState.UNKNOWN


@given(st.text())
def test_no_text_is_an_end_but_those_in_the_table(raw: str) -> None:
    assert state_of(raw).state is not JobState.ENDED or raw.partition(" ")[0] in OVER


def test_who_cancelled_it_does_not_hide_that_it_was() -> None:
    assert state_of("CANCELLED by 21003").state is JobState.ENDED


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_to_wait_is_named(reason: str) -> None:
    assert reason in _REASONS or any(shape.fullmatch(reason) for shape, _ in _FAMILIES)


@pytest.mark.parametrize(
    ("reason", "code", "competes", "never"),
    [
        ("Priority", None, True, False),
        ("Resources", None, True, False),
        ("None", None, True, False),
        ("Evaporation", None, True, False),
        ("Nodes required for job are DOWN, DRAINED or reserved for …", None, True, False),
        ("ReqNodeNotAvail, UnavailableNodes:n[1-3]", "batch.machines", True, False),
        ("ReqNodeNotAvail, Reserved for maintenance", "batch.closing", False, False),
        ("ReqNodeNotAvail, May be reserved for other job", "batch.machines", True, False),
        ("JobHeldAdmin", "batch.held_operator", False, False),
        ("JobHeldUser", "batch.held_person", False, False),
        ("Dependency", "batch.dependency", False, False),
        ("DependencyNeverSatisfied", "batch.impossible", False, True),
        ("PartitionTimeLimit", "batch.too_long", False, True),
        ("PartitionConfig", "batch.impossible", False, True),
        ("AssocMaxWallDurationPerJobLimit", "batch.too_long", False, True),
        ("AssocMaxCpuPerJobLimit", "batch.too_large", False, True),
        ("AssocMaxJobsLimit", "batch.limit", False, False),
        ("AssocGrpCPURunMinutesLimit", "batch.limit", False, False),
        ("AssocGrpCPUMinutesLimit", "batch.budget", False, True),
        ("QOSMaxGRESPerUser", "batch.limit", False, False),
        ("QOSMinGRES", "batch.too_small", False, True),
        ("InvalidAccount", "batch.not_allowed", False, True),
        ("BadConstraints", "batch.impossible", False, True),
        ("PartitionDown", "batch.queue_closed", False, False),
    ],
)
def test_what_a_reason_means(reason: str, code: str | None, competes: bool, never: bool) -> None:
    wait = wait_of(reason)
    assert (wait.code, wait.competes, wait.never) == (code, competes, never)


def test_whatever_never_starts_says_why() -> None:
    waits = [*_REASONS.values(), *(wait for _, wait in _FAMILIES)]
    assert [wait for wait in waits if wait.never and wait.code is None] == []


def test_each_state_of_a_node_is_named_and_nothing_else() -> None:
    assert set(NODE_STATES) >= set(NODES)


@pytest.mark.parametrize(
    ("state", "up", "promised"),
    [
        ("idle", True, False),
        ("mixed", True, False),
        ("allocated+completing", True, False),
        ("idle+cloud+powered_down", True, False),
        ("idle+planned", True, True),
        ("MIXED-", True, True),
        ("idle+drain", False, False),
        ("mixed+drain+planned", False, True),
        ("down+not_responding", False, False),
        ("idle*", False, False),
        ("idle+maintenance", False, False),
        ("idle$", False, False),
        ("idle+reserved", False, False),
        ("mixed@", False, False),
        ("idle^", False, False),
        ("idle~", True, False),
        ("mixed#", True, False),
        ("idle!", False, False),
        ("idle%", False, False),
        ("allocated+", True, False),
        ("", False, False),
        ("idle+evaporating", False, False),
        ("evaporated", False, False),
        ("idle*-+$", False, True),
    ],
)
def test_what_a_state_of_a_node_means(state: str, up: bool, promised: bool) -> None:
    node = node_gives(state)
    assert (node.up, node.promised) == (up, promised)


def test_every_code_has_its_sentences() -> None:
    codes = {state.code for state in JOB_STATES.values()} | {wait.code for wait in _REASONS.values()}
    codes |= {wait.code for _, wait in _FAMILIES} | set(REFUSALS.values())
    assert {code for code in codes if code is not None} - SENTENCES.keys() == set()


def test_no_refusal_is_also_no_answer() -> None:
    both = [
        (one, other)
        for one in REFUSALS
        for other in NO_ANSWERS
        if one.startswith(other) or other.startswith(one)
    ]
    assert both == []
