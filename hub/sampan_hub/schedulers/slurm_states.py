"""Slurm's words and what they mean to us: states of jobs, why a job waits, states of nodes. Of Slurm 22.05 to 26.x.

A word that is in none of these tables is not guessed at: a job of that state is *unknown*, a node takes no new job.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sampan_hub.jobs import JobState

__all__ = ["JOB_STATES", "NODE_STATES", "Node", "State", "Wait", "node_gives", "state_of", "wait_of"]


@dataclass(frozen=True, slots=True)
class State:
    """What a state of a job means. `code`: what is said of it; for an end, why. `whole`: the state alone tells why."""

    state: JobState
    code: str | None = None
    whole: bool = True


_WAITS, _RUNS, _PAUSED, _OVER = JobState.QUEUED, JobState.RUNNING, JobState.SUSPENDED, JobState.ENDED

JOB_STATES: Final[Mapping[str, State]] = MappingProxyType(
    {
        # https://slurm.schedmd.com/job_state_codes.html#states
        "BOOT_FAIL": State(_OVER, "ended.node"),
        "CANCELLED": State(_OVER, "ended.cancelled", whole=False),
        "COMPLETED": State(_OVER, "ended.finished"),
        "DEADLINE": State(_OVER, "ended.deadline"),
        "FAILED": State(_OVER, "ended.broken", whole=False),
        "NODE_FAIL": State(_OVER, "ended.node"),
        "OUT_OF_MEMORY": State(_OVER, "ended.memory"),
        "PENDING": State(_WAITS),
        "PREEMPTED": State(_OVER, "ended.preempted"),
        "RUNNING": State(_RUNS),
        "SUSPENDED": State(_PAUSED, "batch.paused"),
        "TIMEOUT": State(_OVER, "ended.time"),
        # https://slurm.schedmd.com/job_state_codes.html#flags, one of which is told instead of the state
        "COMPLETING": State(_RUNS),
        "CONFIGURING": State(_WAITS, "batch.preparing"),
        "EXPEDITING": State(_WAITS, "batch.requeued"),
        "LAUNCH_FAILED": State(_WAITS, "batch.launch_failed"),
        "POWER_UP_NODE": State(_WAITS, "batch.preparing"),
        "RECONFIG_FAIL": State(_WAITS, "batch.launch_failed"),
        "REQUEUED": State(_WAITS, "batch.requeued"),
        "REQUEUE_FED": State(_WAITS, "batch.requeued"),
        "REQUEUE_HOLD": State(_WAITS, "batch.held_operator"),
        "RESIZING": State(_RUNS),
        "RESV_DEL_HOLD": State(_WAITS, "batch.reservation"),
        # It goes on under another cluster's roof, of which nobody here can tell.
        "REVOKED": State(JobState.UNKNOWN),
        "SIGNALING": State(_RUNS),
        "SPECIAL_EXIT": State(_WAITS, "batch.held_operator"),
        "STAGE_OUT": State(_RUNS),
        "STOPPED": State(_PAUSED, "batch.paused"),
        # The state below it is not told.
        "UPDATE_DB": State(JobState.UNKNOWN),
    }
)


def state_of(raw: str) -> State:
    """What `CANCELLED by 1001`, `RUNNING` or a word of tomorrow means."""
    return JOB_STATES.get(raw.partition(" ")[0], State(JobState.UNKNOWN))


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a job waits. `code`: what is said of it, None where it is just not its turn yet.

    `competes`: it takes a place in the queue; one that is held, or waits for another job, lets everybody pass.
    `never`: this does not pass by itself, so that it never starts there.
    """

    code: str | None = None
    competes: bool = True
    never: bool = False


_TURN = Wait()
_MACHINES = Wait("batch.machines")
_CLOSED = Wait("batch.queue_closed", competes=False)
_LIMIT = Wait("batch.limit", competes=False)
_BUDGET = Wait("batch.budget", competes=False, never=True)
_LARGE = Wait("batch.too_large", competes=False, never=True)
_FORBIDDEN = Wait("batch.not_allowed", competes=False, never=True)
_NOBODY = Wait("batch.impossible", competes=False, never=True)
_LAUNCH = Wait("batch.launch_failed", competes=False)

# https://slurm.schedmd.com/job_reason_codes.html
_REASONS: Final[Mapping[str, Wait]] = MappingProxyType(
    {
        **dict.fromkeys(
            ("None", "Priority", "Resources", "Prolog", "Constraints", "SchedDefer", "Cleaning"), _TURN
        ),
        **dict.fromkeys(("WaitingForScheduling", "JobArrayTaskLimit", "FedJobLock"), _TURN),
        **dict.fromkeys(("ReqNodeNotAvail", "NodeDown", "FrontEndDown", "PartitionNodeLimit"), _MACHINES),
        **dict.fromkeys(("PowerNotAvail", "PowerReserved", "BlockMaxError", "BlockFreeAction"), _MACHINES),
        **dict.fromkeys(("PartitionDown", "PartitionInactive"), _CLOSED),
        **dict.fromkeys(("AccountNotAllowed", "QOSNotAllowed", "InvalidAccount", "InvalidQOS"), _FORBIDDEN),
        **dict.fromkeys(("JobLaunchFailure", "SystemFailure", "BurstBufferOperation"), _LAUNCH),
        # Left over from a run before this one: it is in the queue again.
        **dict.fromkeys(
            ("NonZeroExitCode", "RaisedSignal", "TimeLimit", "OutOfMemory", "InactiveLimit"), _TURN
        ),
        **dict.fromkeys(
            ("BadConstraints", "PartitionConfig", "DependencyNeverSatisfied", "DeadLine"), _NOBODY
        ),
        **dict.fromkeys(("AccountingPolicy", "AssociationJobLimit", "AssociationResourceLimit"), _LIMIT),
        **dict.fromkeys(("QOSJobLimit", "QOSResourceLimit", "QOSUsageThreshold"), _LIMIT),
        **dict.fromkeys(("AssociationTimeLimit", "QOSTimeLimit"), _BUDGET),
        "PartitionTimeLimit": Wait("batch.too_long", competes=False, never=True),
        "MaxMemPerLimit": _LARGE,
        "JobHeldAdmin": Wait("batch.held_operator", competes=False),
        "JobHoldMaxRequeue": Wait("batch.held_operator", competes=False),
        "JobHeldUser": Wait("batch.held_person", competes=False),
        "BeginTime": Wait("batch.later", competes=False),
        "Dependency": Wait("batch.dependency", competes=False),
        "Reservation": Wait("batch.reserved", competes=False),
        "ReservationDeleted": Wait("batch.reservation", competes=False, never=True),
        "Licenses": Wait("batch.licence"),
        "BurstBufferResources": Wait("batch.storage"),
        "BurstBufferStageIn": Wait("batch.storage"),
        # "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions": mostly the last.
        "Nodes": _TURN,
    }
)
_FAMILIES: Final[tuple[tuple[re.Pattern[str], Wait], ...]] = (
    # Limits come in families: whose, of what, over what. The first that fits counts.
    (re.compile(r"(?:Assoc|QOS)Max\w*Wall\w*"), Wait("batch.too_long", competes=False, never=True)),
    (re.compile(r"(?:Assoc|QOS)Grp\w*RunMinutes(?:Limit)?"), _LIMIT),
    (re.compile(r"(?:Assoc|QOS)Grp\w*Minutes(?:Limit)?|(?:Assoc|QOS)GrpWallLimit"), _BUDGET),
    (re.compile(r"(?:Assoc|QOS)Grp\w+"), _LIMIT),
    (re.compile(r"(?:Assoc|QOS)Max\w*(?:PerJob|PerNode)(?:Limit)?"), _LARGE),
    (re.compile(r"QOSMax\w*PerUser(?:Limit)?|AssocMax(?:Jobs|SubmitJob)Limit|Max\w+PerAccount"), _LIMIT),
    (re.compile(r"QOSMin\w+"), Wait("batch.too_small", competes=False, never=True)),
)


_MAINTENANCE: Final = re.compile(r"ReqNodeNotAvail\W+Reserved for maintenance")
"""Only what is too long for the time that is left waits so; everybody else passes."""


@functools.lru_cache(1024)
def wait_of(reason: str) -> Wait:
    """Why a job waits, by a reason such as `Priority` or `ReqNodeNotAvail, UnavailableNodes:n1`.

    A reason that is not known is none to go elsewhere for: it counts as one that waits for its turn.
    """
    if _MAINTENANCE.match(reason):
        return Wait("batch.closing", competes=False)
    word = re.match(r"\w*", reason)
    name = word[0] if word else ""
    if name in _REASONS:
        return _REASONS[name]
    return next((wait for shape, wait in _FAMILIES if shape.fullmatch(name)), _TURN)


@dataclass(frozen=True, slots=True)
class Node:
    """What a state of a node means for new jobs. `up`: it takes some; `promised`: all that is free waits for another job."""

    up: bool = True
    promised: bool = False


_FREE, _AWAY, _PROMISED = Node(), Node(up=False), Node(promised=True)

# https://slurm.schedmd.com/sinfo.html#SECTION_NODE-STATE-CODES, as --Format=StateComplete joins them with +
NODE_STATES: Final[Mapping[str, Node]] = MappingProxyType(
    {
        **dict.fromkeys(("ALLOCATED", "IDLE", "MIXED"), _FREE),
        **dict.fromkeys(("DOWN", "ERROR", "FUTURE", "UNKNOWN"), _AWAY),
        **dict.fromkeys(
            ("CLOUD", "COMPLETING", "DYNAMIC_NORM", "REBOOT_CANCELED", "RESUME", "UNDRAIN"), _FREE
        ),
        **dict.fromkeys(("POWERED_DOWN", "POWERING_UP", "POWER_UP"), _FREE),
        **dict.fromkeys(("POWER_DOWN", "POWERING_DOWN", "POWER_DRAIN", "DYNAMIC_FUTURE", "EXTERNAL"), _AWAY),
        **dict.fromkeys(("DRAIN", "DRAINED", "DRAINING", "FAIL", "FAILING", "INVAL", "INVALID_REG"), _AWAY),
        **dict.fromkeys(("MAINT", "MAINTENANCE", "RESERVED", "NOT_RESPONDING", "BLOCKED"), _AWAY),
        **dict.fromkeys(("REBOOT", "REBOOT_ISSUED", "REBOOT_REQUESTED", "PERFCTRS", "NPC"), _AWAY),
        "PLANNED": _PROMISED,
    }
)
_SUFFIXES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "*": "NOT_RESPONDING",
        "~": "POWERED_DOWN",
        "#": "POWERING_UP",
        "!": "POWER_DOWN",
        "%": "POWERING_DOWN",
        "$": "MAINT",
        "@": "REBOOT_REQUESTED",
        "^": "REBOOT_ISSUED",
        "-": "PLANNED",
        # Jobs of it are completing.
        "+": "COMPLETING",
    }
)
"""How the short form of a state says the same, by the letter behind it."""


@functools.lru_cache(1024)
def node_gives(state: str) -> Node:
    """What `idle+drain`, `MIXED-` or a word of tomorrow means for new jobs."""
    text = state.strip().upper()
    names = []
    while text[-1:] in _SUFFIXES and text:
        names.append(_SUFFIXES[text[-1]])
        text = text[:-1]
    found = [NODE_STATES.get(name, _AWAY) for name in (*text.split("+"), *names)]
    return Node(all(node.up for node in found), any(node.promised for node in found))
