"""The dialect of Slurm, 22.05 and later: text formats only, each with a heading of its own, read strictly.

JSON is not asked for: its first versions ignore filters, and its shape changes with each release.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from sampan_hub.asks import LARGE, Ask, Completed
from sampan_hub.capacity import Reading
from sampan_hub.descriptor import Descriptor
from sampan_hub.jobs import FoundJob, Jobs, JobSpec, JobState, JobStatus, Usage
from sampan_hub.limits import Limit
from sampan_hub.rules import Rules
from sampan_hub.schedulers import slurm_accounting, slurm_limits, slurm_nodes, slurm_queue, slurm_rules
from sampan_hub.schedulers.slurm_refusals import refusal
from sampan_hub.schedulers.slurm_states import state_of
from sampan_hub.schedulers.slurm_text import MARK, marked, moment, not_an_answer

__all__ = ["SlurmScheduler"]

_TAGGED: Final = re.compile(r"sampan-[a-z0-9-]+")
_GONE: Final = re.compile(r"Invalid job id specified|Job/step already completing or completed")
_NO_SCRIPT: Final = re.compile(
    r"job script retrieval failed: (?:Invalid job id specified|Job script not available)"
)
_TO_START: Final = re.compile(
    r"sbatch: Job \d+ to start at (\S+) using \d+ processors on nodes \S+ in partition \S+"
)


class SlurmScheduler:
    """Argument lists for one cluster.

    `queues`: the partitions that are shares of ours; `cards`: what we call an accelerator → its name as a generic resource;
    `zone`: that of the cluster's clock; `days`: how long ago the longest job that may end now was submitted at most;
    `qos`: what the queues demand, by queue; `reservations`: those that they demand.
    """

    arrays = True
    # slurmctld looks for what it can start once a second, in any part of it.
    settles = 0.5

    def __init__(
        self,
        queues: Sequence[str],
        cards: Mapping[str, str],
        zone: zoneinfo.ZoneInfo,
        days: int,
        qos: Mapping[str, str],
        reservations: Collection[str] = (),
    ) -> None:
        self._queues = ",".join(queues)
        self._cards = cards
        self._zone = zone
        self._since = f"--starttime=now-{days}days"
        self._qos = qos
        self._reservations = reservations

    @classmethod
    def of(cls, descriptor: Descriptor) -> SlurmScheduler:
        shares = descriptor.shares
        kinds = {kind: kind for share in shares for kind in share.accelerators}
        # A type that has a name of its own is told by what the queue demands: gpu:a100:1.
        for share in shares:
            for option, value in share.demands:
                for name in re.findall(
                    r"[A-Za-z][\w.-]*(?::[A-Za-z][\w.-]*)?", value if option == "gres" else ""
                ):
                    kinds |= {kind: name for kind in kinds if name.rpartition(":")[2].lower() == kind}
        hours = max(share.max_hours for share in shares) + descriptor.limits.queue_minutes / 60
        qos = {share.queue: value for share in shares for option, value in share.demands if option == "qos"}
        reservations = {
            value for share in shares for option, value in share.demands if option == "reservation"
        }
        zone = zoneinfo.ZoneInfo(descriptor.time_zone)
        queues = list(dict.fromkeys(share.queue for share in shares))
        return cls(queues, kinds, zone, round(hours / 24) + 2, qos, reservations)

    def submit(self, job: JobSpec) -> Ask[str]:
        return Ask("submit", ("sbatch", "--parsable", *self._options(job)), _job_id, job.script.encode())

    def expected_start(self, job: JobSpec) -> Ask[float | None]:
        argv = ("sbatch", "--test-only", *self._options(job))
        return Ask("expected_start", argv, self._start, job.script.encode())

    def _options(self, job: JobSpec) -> Iterator[str]:
        """What a queue demands comes first, so that nothing of it replaces what the job is made of."""
        gres = [value for option, value in job.directives if option == "gres"]
        if job.accelerator and job.accelerators:
            gres.append(f"{self._cards.get(job.accelerator, job.accelerator)}:{job.accelerators}")
        yield from (f"--{option}={value}" for option, value in job.directives if option != "gres")
        if gres:
            yield f"--gres={','.join(gres)}"
        yield from (
            *(f"--job-name={job.tag}", f"--partition={job.queue}", "--nodes=1", "--ntasks=1"),
            *(f"--cpus-per-task={job.cores}", f"--mem={job.memory_mib}M", f"--time={job.minutes}"),
            *(f"--output={job.log}", "--open-mode=append", "--chdir=/", "--no-requeue"),
            # Whatever else is said here, slurmd would start a login shell of the person first to learn what it exports.
            "--export=ALL",
            # Nor the limits of a login node, such as half an hour of processor time.
            "--propagate=NONE",
        )
        if job.array:
            yield f"--array={','.join(map(str, job.array))}"

    def find(self, tags: Collection[str]) -> Ask[Sequence[FoundJob]]:
        which = f"--name={','.join(sorted(tags))}" if tags else f"--partition={self._queues}"
        argv = ("squeue", "--all", "--states=all", which, f"--format={MARK}|%F|%u|%V|%T|%j")
        return Ask("find", argv, lambda done: self._found(done, tags), most=LARGE)

    def recall(self, tags: Collection[str]) -> Ask[Sequence[FoundJob]]:
        fields = "--format=JobIDRaw,User,Submit,State,JobName"
        names = f"--name={','.join(sorted(tags))}"
        argv = ("sacct", "--allusers", "--allocations", "--parsable2", self._since, names, fields)
        return Ask("recall", argv, lambda done: slurm_accounting.recalled(done, tags, self._zone))

    def status(self, ids: Collection[str]) -> Ask[Jobs]:
        argv = (
            *("squeue", "--all", "--states=all", f"--partition={self._queues}"),
            f"--format={slurm_queue.FORMAT}",
        )
        wanted = frozenset(ids)
        return Ask("status", argv, lambda done: slurm_queue.jobs(done, wanted, self._zone), most=LARGE)

    def ended(self, ids: Collection[str]) -> Ask[Mapping[str, JobStatus]]:
        argv = slurm_accounting.argv(ids, self._since)
        return Ask("ended", argv, lambda done: slurm_accounting.statuses(done, self._zone))

    def usage(self, ids: Collection[str]) -> Ask[Mapping[str, Usage]]:
        argv = slurm_accounting.argv(ids, self._since)
        return Ask("usage", argv, lambda done: slurm_accounting.usages(done, self._zone, self._cards))

    def cancel(self, job: str, tag: str) -> Ask[None]:
        """By its number and its name: a number that was given out anew belongs to another job.

        One element of an array by its number alone: asked for by a name too, all elements end that still wait (tried on 22.05).
        Whose the array is has to be known.
        """
        which = (job,) if "_" in job else (f"--name={tag}", job)
        return Ask("cancel", ("scancel", *which), _cancelled)

    def script(self, job: str, tag: str) -> Ask[str | None]:
        """By its number alone: whose script it is shows in it. https://slurm.schedmd.com/scontrol.html"""
        return Ask("script", ("scontrol", "write", "batch_script", job, "-"), _script)

    def capacity(self) -> Ask[Reading]:
        argv = ("sinfo", "--Node", f"--partition={self._queues}", f"--Format={slurm_nodes.FORMAT}")
        return Ask("capacity", argv, lambda done: slurm_nodes.reading(done, self._cards), most=LARGE)

    def rules(self) -> Ask[Rules]:
        argv = ("scontrol", "--all", "--oneliner")
        stdin = slurm_rules.QUESTIONS.encode()
        return Ask("rules", argv, lambda done: slurm_rules.rules(done, self._zone, self._reservations), stdin)

    def limits(self, account: str, rules: Rules) -> Ask[tuple[Limit, ...]]:
        # Several questions at once are asked on standard input; whatever else stood there, nothing could be changed.
        argv = ("sacctmgr", "--parsable2", "--readonly")
        stdin = slurm_limits.questions(account).encode()
        return Ask("limits", argv, lambda done: self._limits(done, rules), stdin)

    def _limits(self, done: Completed, rules: Rules) -> tuple[Limit, ...]:
        imposed = {
            queue: rules.qualities[queue] for queue in self._queues.split(",") if queue in rules.qualities
        }
        return slurm_limits.limits(done, self._cards, self._qos, imposed)

    def _found(self, done: Completed, tags: Collection[str]) -> Sequence[FoundJob]:
        """Asked for by name, a job that has ended counts: it was submitted. Those that live come first; an array is one job."""
        found = []
        for job, account, submitted, state, name in marked(done, free=True):
            stands = state_of(state).state
            over, began = stands is JobState.ENDED, stands is not JobState.QUEUED
            if job.isdigit() and (name in tags if tags else not over and _TAGGED.fullmatch(name)):
                found.append((over, FoundJob(job, name, account, moment(submitted, self._zone), began)))
        found.sort(key=lambda pair: (pair[0], -int(pair[1].id)))
        whole: dict[str, FoundJob] = {}
        for _, one in found:
            whole.setdefault(one.id, one)
        return list(whole.values())

    def _start(self, done: Completed) -> float | None:
        if done.status != 0:
            raise refusal(done)
        found = [match for line in done.stderr.split("\n") if (match := _TO_START.fullmatch(line.strip()))]
        if len(found) != 1:
            raise not_an_answer(done)
        return moment(found[0][1], self._zone)


def _job_id(done: Completed) -> str:
    """The number that stands alone on a line, or before the cluster's name."""
    if done.status != 0:
        raise refusal(done)
    found = [
        match[1]
        for line in done.stdout.split("\n")
        if (match := re.fullmatch(r"(\d{1,12})(?:;[\w.-]+)?", line))
    ]
    if len(found) != 1:
        raise not_an_answer(done)
    return found[0]


def _script(done: Completed) -> str | None:
    """What begins as every script does; a job that is gone has none, which 22.05 says with exit status 0."""
    if done.status == 0 and done.stdout.startswith("#!"):
        return done.stdout
    if _NO_SCRIPT.search(done.stdout + done.stderr):
        return None
    raise not_an_answer(done)


def _cancelled(done: Completed) -> None:
    """Nothing is said of a job that ends, and of one under that number with another name."""
    if done.status == 0 or _GONE.search(done.stderr):
        return
    raise refusal(done)
