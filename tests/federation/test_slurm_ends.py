"""Ends that do not come by themselves in a test, brought about on real Slurm: what queue and records say, and the person hears."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from sampan.messages import Message
from sampan_hub.centre import Centre as Asked
from sampan_hub.jobs import JobState
from sampan_hub.schedulers.slurm import SlurmScheduler
from sampan_hub.watch import Watch
from tests.federation.at_login import AtLogin, described
from tests.federation.federation import Federation
from tests.federation.watched_jobs import Jobs

pytestmark = pytest.mark.federation

# Slurm's own message that a job is over, with the code (253) that stands for the kernel's end of it: who sees that without
# control groups is nobody, but what slurmctld and slurmdbd then write down is the same.
_OUT_OF_MEMORY = """\
import ctypes, sys
slurm = ctypes.CDLL("/usr/lib/x86_64-linux-gnu/slurm-wlm/libslurmfull.so", mode=ctypes.RTLD_GLOBAL)
slurm.slurm_init(None)
sys.exit(slurm.slurm_complete_job(int(sys.argv[1]), 253))
"""


@pytest.fixture(params=["east", "west"])
def jobs(federation: Federation, request: pytest.FixtureRequest) -> Iterator[Jobs]:
    """At a centre that has nothing else to do; the partition that makes way is watched, too."""
    centre = federation.centre(request.param)
    centre.end_all_jobs()
    facts = described(centre)
    spare = [
        facts.shares[0].model_copy(update={"id": queue.preempts, "queue": queue.preempts})
        for queue in centre.shape.queues
        if queue.preempts
    ]
    facts = facts.model_copy(update={"shares": [*facts.shares, *spare]})
    asked = Asked(facts, AtLogin(centre), SlurmScheduler.of(facts))
    yield Jobs(centre, asked, Watch(asked, lambda _: None))
    centre.end_all_jobs()


async def _are_over(jobs: Jobs, ends: dict[str, str]) -> None:
    """Queue and records tell the same end of each job, and it is a sentence in both languages."""
    expected = {job: Message(code) for job, code in ends.items()}
    await jobs.until(lambda: all(jobs.state(job) is JobState.ENDED for job in ends), 75)
    found = [jobs.watch.statuses[job] for job in ends]
    assert {status.id: status.why for status in found} == expected
    async with asyncio.timeout(20):
        while True:
            records = await jobs.asked.ask(jobs.asked.scheduler.ended(ends))
            if {job: record.why for job, record in records.items()} == expected:
                break
            await asyncio.sleep(0.3)
    assert all(record.state is JobState.ENDED and record.ended_at for record in records.values())
    for message in expected.values():
        assert message.say("en") != message.say("zh") != ""


@pytest.mark.parametrize("jobs", ["east"], indirect=True)
async def test_time_that_is_up_and_memory_that_is_out(jobs: Jobs) -> None:
    """The shortest limit is a minute: an operator moves the job's end to this moment instead. Slurm looks every 30 s."""
    late = await jobs.submit("late", "sleep 600", queue="work", minutes=1)
    hungry = await jobs.submit("hungry", "sleep 600", queue="work")
    await jobs.are(JobState.RUNNING, late, hungry)
    jobs.centre.run(["scontrol", "update", f"JobId={late}", "EndTime=now"])
    argv = ["/usr/bin/python3", "-c", _OUT_OF_MEMORY, hungry]
    jobs.centre.run(argv, account=jobs.account)
    await _are_over(jobs, {late: "ended.time", hungry: "ended.memory"})
    raw = {jobs.watch.statuses[job].raw for job in (late, hungry)}
    assert raw == {"TIMEOUT", "OUT_OF_MEMORY"}


@pytest.mark.parametrize("jobs", ["west"], indirect=True)
async def test_one_that_made_way_for_another(jobs: Jobs) -> None:
    """A partition of a lower tier over the same nodes: whoever runs there is cancelled when others need the room."""
    both = [await jobs.submit(name, "sleep 600", queue="spare", cores=8) for name in ("one", "two")]
    await jobs.are(JobState.RUNNING, *both)
    first = await jobs.submit("first", "sleep 600", queue="batch", cores=8)
    await jobs.are(JobState.RUNNING, first)
    await jobs.until(lambda: JobState.ENDED in {jobs.state(job) for job in both})
    [over] = [job for job in both if jobs.state(job) is JobState.ENDED]
    await _are_over(jobs, {over: "ended.preempted"})
    assert jobs.watch.statuses[over].raw == "PREEMPTED"
