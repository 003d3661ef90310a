"""One centre fails every start: it is set aside and tried again, and whoever starts elsewhere starts as soon as ever."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest

from sampan.errors import Refused
from sampan.messages import Message
from sampan.stages import Seen
from sampan_hub.jobs import JobState
from tests.faults.broken import Broken
from tests.faults.cases import Pair
from tests.faults.losses import counted_at_sites
from tests.sampan_hub.scripted_centre import Bench, bench
from tests.sampan_hub.scripted_site import Site

STARTS = 100
FAILS, WORKS = "east", "west"


async def started(made: Bench, owner: str) -> tuple[str, float]:
    """One more start, until its job runs: the launch, and the seconds that it took."""
    began = time.monotonic()
    launch = await made.launch(owner)
    await made.at(launch, "running", most=60)
    return launch.id, time.monotonic() - began


def refuses(site: Site) -> None:
    site.trouble["submit"] = Refused("batch.queue_closed")


def ends(site: Site) -> None:
    site.first_state, site.first_why = JobState.ENDED, Message("ended.failed", {"code": 127})


def mended(site: Site) -> None:
    site.trouble.clear()
    site.first_state, site.first_why = JobState.RUNNING, None


DONE: dict[Callable[[Site], None], Pair] = {
    refuses: (
        f"{STARTS} starts; the preferred centre refuses every one",
        f"{STARTS} 次启动，首选中心拒绝每一次",
    ),
    ends: (
        f"{STARTS} starts; at the preferred centre every job ends before it can be reached",
        f"{STARTS} 次启动，首选中心的每个作业都在可连接之前结束",
    ),
}


@pytest.mark.parametrize("fail", DONE)
async def test_a_hundred_starts_fail_at_one_centre(
    tmp_path: Path, broken: Broken, fail: Callable[[Site], None]
) -> None:
    """All prefer the one that fails, which looks the emptiest: it costs the first few a second attempt, and no one later."""
    async with bench(tmp_path, FAILS, WORKS) as made:
        bad, good = made.sites[FAILS], made.sites[WORKS]
        _admits_all(made)
        bad.cores = bad.cores_free = 4 * STARTS
        good.cores = good.cores_free = 3 * STARTS
        quiet = [await started(made, f"before{number}") for number in range(10)]
        assert {job.account for job in bad.live}, "it is preferred while it works"
        fail(bad)
        wanted, took = list(quiet), []
        for number in range(STARTS):
            wanted.append(await started(made, f"during{number}"))
            took.append(wanted[-1][1])
        tries = Counter[int]()
        for launch, _ in wanted[len(quiet) :]:
            attempts = await made.store.attempts(launch)
            assert attempts[-1].centre == WORKS
            tries[len(attempts)] += 1
        assert set(tries) <= {1, 2}, "nobody is passed on more than once"
        assert tries[2] <= 5, "after a few it is not asked any more"
        # By the median, since the first few went a longer way; twice for a machine that does other things, too.
        before = median(seconds for _, seconds in quiet)
        assert median(took) < 2 * before + 0.05, (median(took), before)
        lost = await counted_at_sites(made, *(launch for launch, _ in wanted))
        steps = await made.store.transitions(wanted[len(quiet)][0])
        said = next(step.message for step in steps if step.message.code == "launch.next")
        await _tried_again(made)
        broken(DONE[fail], said, lost)


def _admits_all(made: Bench) -> None:
    """Nobody waits for a turn: here that would be a measure of how fast this machine is."""
    for name in (FAILS, WORKS):
        facts = made.services.directory.centres[name].descriptor
        limits = facts.limits.model_copy(update={"starts_at_once": 4 * STARTS})
        made.put(name, facts.model_copy(update={"limits": limits}))


async def _tried_again(made: Bench) -> None:
    """Once the doubt has passed, one start is tried there again."""
    services = made.services
    services.outcomes = tuple(replace(one, at=one.at - 3600) for one in services.outcomes)
    mended(made.sites[FAILS])
    launch, _ = await started(made, "prober")
    [attempt] = await made.store.attempts(launch)
    assert (attempt.centre, attempt.seen) == (FAILS, Seen.ALIVE)
