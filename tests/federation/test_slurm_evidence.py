"""What a watch makes of a real Slurm: every end that can be brought about, every wait, and a controller that is away."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator

import pytest

from sampan.errors import Refused
from sampan.messages import Message
from sampan.stages import Seen
from sampan_hub import job_watch
from sampan_hub.capacity import NodeReading
from sampan_hub.centre import Centre as Asked
from sampan_hub.jobs import JobState
from sampan_hub.limits import Limit
from sampan_hub.rules import NO_RULES
from sampan_hub.schedulers.slurm import SlurmScheduler
from sampan_hub.watch import Watch
from tests.federation.at_login import AtLogin, described
from tests.federation.centre import Centre
from tests.federation.federation import Federation
from tests.federation.watched_jobs import Jobs

pytestmark = pytest.mark.federation


@pytest.fixture
def east(federation: Federation) -> Iterator[Centre]:
    centre = federation.centre("east")
    centre.end_all_jobs()
    yield centre
    centre.end_all_jobs()


@pytest.fixture
def asked(east: Centre) -> Asked:
    facts = described(east)
    return Asked(facts, AtLogin(east), SlurmScheduler.of(facts))


@pytest.fixture
def watch(asked: Asked) -> Watch:
    return Watch(asked, lambda _: None)


@pytest.fixture
def jobs(east: Centre, asked: Asked, watch: Watch) -> Jobs:
    return Jobs(east, asked, watch)


def scontrol(centre: Centre, *words: str) -> None:
    centre.run(["scontrol", *words], check=False)


async def test_each_end_says_what_happened(
    east: Centre, asked: Asked, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The records of a busy machine are later than people would be kept waiting for them.
    monkeypatch.setattr(job_watch, "LATE", 60.0)
    hungry = "exec python3 -c 'x = bytearray(300 << 20); import time; time.sleep(60)'"
    ends = {
        await jobs.submit("good", "exit 0"): Message("ended.finished"),
        await jobs.submit("seven", "exit 7"): Message("ended.failed", {"code": 7}),
        await jobs.submit("signal", "kill -9 $$"): Message("ended.signal", {"signal": 9}),
        await jobs.submit("memory", hungry): Message("ended.memory"),
        await jobs.submit("nolog", "sleep 60", log="/nowhere/job.log"): Message("ended.not_launched"),
    }
    mine, theirs = await jobs.submit("mine", "sleep 600"), await jobs.submit("theirs", "sleep 600")
    await jobs.are(JobState.RUNNING, mine, theirs)
    await asked.ask(asked.scheduler.cancel(mine, jobs.tags[mine]), account=jobs.account)
    east.run(["scancel", theirs])
    ends |= {mine: Message("ended.cancelled_by_person"), theirs: Message("ended.cancelled_by_operator")}
    found = await jobs.are(JobState.ENDED, *ends)
    assert {status.id: status.why for status in found} == ends
    assert all(status.ended_at for status in found)


async def test_a_node_that_fails_is_told_from_a_job_that_does(east: Centre, jobs: Jobs) -> None:
    job = await jobs.submit("node", "sleep 600")
    [running] = await jobs.are(JobState.RUNNING, job)
    [node] = running.nodes
    scontrol(east, "update", f"nodename={node}", "state=down", "reason=test")
    try:
        [ended] = await jobs.are(JobState.ENDED, job)
        assert ended.why == Message("ended.node")
    finally:
        scontrol(east, "update", f"nodename={node}", "state=resume")


async def _reading(watch: Watch) -> tuple[NodeReading, ...]:
    await watch.measure()
    capacity = watch.fresh()
    assert capacity is not None
    return capacity.reading.nodes


async def test_a_drained_node_is_not_free(east: Centre, watch: Watch) -> None:
    scontrol(east, "update", "nodename=east-n2", "state=drain", "reason=a|b c")
    try:
        assert {node.name: node.up for node in await _reading(watch)} == {"east-n1": True, "east-n2": False}
    finally:
        scontrol(east, "update", "nodename=east-n2", "state=resume")


async def test_held_and_released(east: Centre, jobs: Jobs) -> None:
    east.fill()
    job = await jobs.submit("held", "sleep 600")
    [waiting] = await jobs.are(JobState.QUEUED, job)
    assert (waiting.ahead, waiting.why, waiting.never) == (0, None, False)
    capacity = jobs.watch.fresh()
    assert capacity is not None
    assert capacity.reading.pending == {"work": 1}
    scontrol(east, "hold", job)
    await jobs.until(lambda: jobs.watch.statuses[job].why == Message("batch.held_operator"))
    assert jobs.watch.statuses[job].ahead is None
    assert jobs.watch.fresh() is not None
    await jobs.until(lambda: (found := jobs.watch.fresh()) is not None and found.reading.pending == {})
    scontrol(east, "release", job)
    east.free()
    await jobs.are(JobState.RUNNING, job)


async def test_paused_and_continued(east: Centre, jobs: Jobs) -> None:
    job = await jobs.submit("pause", "sleep 600")
    await jobs.are(JobState.RUNNING, job)
    scontrol(east, "suspend", job)
    [paused] = await jobs.are(JobState.SUSPENDED, job)
    assert paused.why == Message("batch.paused")
    scontrol(east, "resume", job)
    await jobs.are(JobState.RUNNING, job)


async def test_what_a_person_may_have_is_told_and_held_to(east: Centre, asked: Asked, watch: Watch) -> None:
    """A limit of one's own: told beforehand, and where it is met all the same the job never starts there."""
    jobs = Jobs(east, asked, watch, "carol")
    who = ("user", "where", f"user={jobs.account}", "set")

    def manage(*words: str) -> None:
        east.run(["sacctmgr", "-i", "-Q", "modify", *who, *words])

    manage("maxwall=01:00:00", "maxtres=cpu=4", "maxjobs=2")
    try:
        [limit] = await asked.ask(asked.scheduler.limits(jobs.account, NO_RULES), account=jobs.account)
        assert limit == Limit(None, limit.account, minutes=60, cores=4, jobs=2)
        long = await jobs.submit("long", "sleep 600", minutes=90)
        large = await jobs.submit("large", "sleep 600", cores=6)
        await jobs.until(
            lambda: all(job in watch.statuses and watch.statuses[job].never for job in (long, large))
        )
        whys = [watch.statuses[job].why for job in (long, large)]
        assert whys == [Message("batch.too_long"), Message("batch.too_large")]
        for job in (long, large):
            await asked.ask(asked.scheduler.cancel(job, jobs.tags[job]), account=jobs.account)
        await jobs.are(JobState.ENDED, long, large)
    finally:
        manage("maxwall=-1", "maxtres=cpu=-1", "maxjobs=-1")


async def test_refusals_are_sentences(asked: Asked, jobs: Jobs) -> None:
    codes = {}
    wrong: dict[str, dict[str, object]] = {
        "queue": {"queue": "nosuch"},
        "cores": {"cores": 9},
        "memory": {"memory_mib": 1 << 30},
        "card": {"accelerator": "dcu", "accelerators": 1},
        "project": {"directives": (("account", "nosuch"),)},
        "option": {"directives": (("no-such-option", "x"),)},
    }
    for name, fields in wrong.items():
        with pytest.raises(Refused) as caught:
            await jobs.submit(name, "exit 0", **fields)
        codes[name] = caught.value.code
    assert codes == {
        "queue": "batch.queue",
        "cores": "batch.impossible",
        "memory": "batch.impossible",
        "card": "batch.accelerator",
        "project": "batch.account",
        "option": "batch.option",
    }


async def test_a_controller_that_hangs_or_is_gone_ends_nothing(east: Centre, jobs: Jobs) -> None:
    """Unknown is not dead: what ran is still there afterwards, and known again by itself."""
    job = await jobs.submit("away", "sleep 600")
    await jobs.are(JobState.RUNNING, job)
    watch = jobs.watch
    east.stop_daemon("slurmctld")
    try:
        await watch.look(2.0)
        await watch.measure(2.0)
        assert (watch.seen, watch.jobs.seen(jobs.account)) == (Seen.UNKNOWN, Seen.UNKNOWN)
        assert watch.fresh() is None
        assert watch.statuses[job].state is JobState.RUNNING
        assert watch.jobs.absent == {}
    finally:
        east.continue_daemon("slurmctld")
    await jobs.until(lambda: watch.seen is Seen.ALIVE)
    assert watch.statuses[job].state is JobState.RUNNING


async def test_accounting_that_is_away_leaves_the_queue_s_own_word(
    east: Centre, asked: Asked, jobs: Jobs
) -> None:
    fine = await jobs.submit("fine", "sleep 2")
    broken = await jobs.submit("broken", "sleep 2; exit 7")
    await jobs.are(JobState.RUNNING, fine, broken)
    east.stop_daemon("slurmdbd")
    try:
        await jobs.until(lambda: jobs.state(fine) is JobState.ENDED)
        # Asked in vain for a while: that it is over, is enough.
        async with asyncio.timeout(30):
            while jobs.state(broken) is not JobState.ENDED:
                await jobs.watch.look(2.0)
        assert jobs.watch.statuses[broken].why == Message("ended.broken")
        assert jobs.watch.seen is Seen.ALIVE
    finally:
        east.continue_daemon("slurmdbd")


async def test_jobs_that_become_private_are_not_lost(east: Centre, asked: Asked, jobs: Jobs) -> None:
    """PrivateData=jobs is switched on: squeue tells the service account of nobody's jobs any more."""
    job = await jobs.submit("hidden", "sleep 600")
    await jobs.are(JobState.RUNNING, job)
    assert east.slurm is not None
    with east.slurm.settings(PrivateData="jobs"):
        await jobs.until(lambda: asked.asker("x") == "x")
        await jobs.are(JobState.RUNNING, job)
        await asked.ask(asked.scheduler.cancel(job, jobs.tags[job]), account=jobs.account)
        ended = await jobs.are(JobState.ENDED, job)
        assert ended[0].why == Message("ended.cancelled_by_person")


async def test_a_descriptor_that_says_wrongly_that_all_is_seen(federation: Federation) -> None:
    """Queue and records hide everybody's jobs from the service account; nothing is lost, and nothing submitted twice."""
    facts = described(core := federation.centre("core"))
    lie = facts.model_copy(update={"scheduler": facts.scheduler.model_copy(update={"sees_all_jobs": True})})
    asked = Asked(lie, AtLogin(core), SlurmScheduler.of(lie))
    jobs = Jobs(core, asked, Watch(asked, lambda _: None))
    try:
        job = await jobs.submit("unseen", "sleep 600", queue="dcu", directives=(("gres", "dcu:1"),))
        find = asked.scheduler.find([jobs.tags[job]])
        assert await asked.ask(find) == []
        assert [found.id for found in await asked.ask(find, account=jobs.account)] == [job]
        await jobs.are(JobState.RUNNING, job)
    finally:
        core.end_all_jobs()


async def test_where_each_sees_their_own_each_asks_once(federation: Federation) -> None:
    """Core tells nobody of another's jobs: a question for each person a tick, whatever they have there, and none besides."""
    core = federation.centre("core")
    facts = described(core)
    asked = Asked(facts, AtLogin(core), SlurmScheduler.of(facts))
    watch = Watch(asked, lambda _: None)
    people = [Jobs(core, asked, watch, user) for user in ("alice", "bob", "carol")]
    card = {"queue": "dcu", "directives": (("gres", "dcu:1"),)}
    try:
        theirs = [
            [await jobs.submit(f"{jobs.account}{number}", "sleep 600", **card) for number in range(2)]
            for jobs in people
        ]
        everything = [job for some in theirs for job in some]
        await people[0].are(JobState.RUNNING, *everything)
        before = asked.asked.copy()
        await watch.tick()
        assert asked.asked - before == {"status": 3, "capacity": 1}
        for jobs, mine in zip(people, theirs, strict=True):
            told = await asked.ask(asked.scheduler.status(everything), account=jobs.account)
            assert sorted(told.statuses) == sorted(mine)
    finally:
        core.end_all_jobs()


async def test_one_question_for_fifty(east: Centre, asked: Asked, watch: Watch) -> None:
    """However many wait and end: one question about jobs a tick, one about nodes, and one to the records for all ends."""
    jobs = Jobs(east, asked, watch)
    east.fill()
    waiting = [await jobs.submit(f"many{number}", "exit 0") for number in range(50)]
    await jobs.are(JobState.QUEUED, *waiting)
    places = [watch.statuses[job].ahead for job in waiting]
    assert places == list(range(50))
    before = asked.asked.copy()
    await watch.tick()
    assert asked.asked - before == {"status": 1, "capacity": 1}
    for job in waiting:
        await asked.ask(asked.scheduler.cancel(job, jobs.tags[job]), account=jobs.account)
    before = asked.asked.copy()
    await jobs.are(JobState.ENDED, *waiting)
    asks = asked.asked - before
    assert asks["ended"] <= asks["status"]
    assert subprocess.list2cmdline(sorted(asks)) == "capacity ended status"
