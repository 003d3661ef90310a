"""A centre lies about what it has and when things were, and one says that it has room and starts nothing."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sampan.errors import Unavailable
from sampan.messages import Message
from sampan.need import Need
from sampan_hub.jobs import JobState
from sampan_hub.steps.placing import advise
from sampan_hub.transports.ssh import SshTransport
from sampan_hub.views import centre_view
from sampan_hub.watch import BELIEVED
from tests.faults.broken import Broken
from tests.faults.losses import Losses, counted_at_sites
from tests.sampan_hub.scripted_centre import Bench, bench
from tests.sampan_hub.transports.a_login_node import login_node

LIES = {
    "negative": -4,
    "more than there is": 400,
    "huge": 10**30,
    "not a number": math.nan,
    "without end": math.inf,
}


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, "east", "west") as made:
        yield made


@pytest.mark.parametrize("lie", LIES)
async def test_figures_that_cannot_be_true(two: Bench, broken: Broken, lie: str) -> None:
    """Nobody is sent there on that word; a job that runs there already is looked after as before."""
    before = await two.launch(name="before", need=Need(cores=1, centre="east"))
    await two.at(before, "running")
    site = two.sites["east"]
    site.cores_free = LIES[lie]  # type: ignore[assignment]
    if lie == "huge":
        site.cores = LIES[lie]  # type: ignore[assignment]
    await two.tick()
    launch = await two.launch("ann", need=Need(cores=1))
    assert (await two.at(launch, "running")).centre == "west"
    offers = await advise(two.services, Need(cores=1), "ann")
    assert [(offer.centre, offer.verdict) for offer in offers.ranked] == [
        ("west", "now"),
        ("east", "unknown"),
    ]
    watch = two.services.watches["east"]
    view = centre_view(two.services, watch.centre, watch)
    assert view["state"] == "unknown"
    assert view["problem"]["code"] == "centre.unbelievable"
    assert all(share["cores_free"] is None for share in view["shares"])
    assert (await two.row(before)).stage == "running"
    site.cores, site.cores_free = 4, 4
    await two.tick()
    assert watch.fresh() is not None
    broken(
        (f"A centre says how much is free: {lie}.", f"某中心谎报空闲量：{_ZH[lie]}。"),
        Message.from_json(view["problem"]),
        await counted_at_sites(two, launch.id, before.id),
        0,
    )


_ZH = {
    "negative": "负数",
    "more than there is": "多于总量",
    "huge": "大得离谱",
    "not a number": "不是数字",
    "without end": "无穷大",
}


async def test_times_that_cannot_be_true(two: Bench, broken: Broken) -> None:
    """Submitted in a far future, begun before there were computers: nothing lasts less than no time, nothing is ended."""
    site = two.sites["east"]
    site.first_state = JobState.QUEUED
    launch = await two.launch("ann", need=Need(cores=1, centre="east"))
    attempt = await two.at(launch, "queued")
    job = site.jobs[attempt.job or ""]
    job.submitted_at, job.started_at, job.state = 4e12, -1e9, JobState.RUNNING
    job.expected_start = -5.0
    await two.at(launch, "running")
    waits = await two.store.recent_waits(0)
    assert all(wait.seconds >= 0 for some in waits.values() for wait in some)
    row = await two.row(launch)
    assert row.ended_at is None
    broken(
        ("A centre tells impossible times of a job.", "某中心给出不可能的作业时间。"),
        row.message,
        await counted_at_sites(two, launch.id),
    )


async def test_capacity_that_is_out_of_date(two: Bench, broken: Broken) -> None:
    """What was true a while ago is not believed: it is asked for again, and where that fails it is unknown, never free."""
    watch = two.services.watches["east"]
    assert watch.fresh() is not None
    two.sites["east"].hangs.add("capacity")
    watch._believed_until -= BELIEVED + 1
    offers = await advise(two.services, Need(cores=1), "ann")
    assert [(offer.centre, offer.verdict) for offer in offers.ranked] == [
        ("west", "now"),
        ("east", "unknown"),
    ]
    broken(
        ("A centre's free nodes are those of a while ago.", "某中心的空闲信息已经过时。"),
        offers.ranked[1].reasons[0],
        Losses(),
    )


async def test_a_free_that_never_starts(two: Bench, broken: Broken) -> None:
    """Those who come after are sent elsewhere, also to a queue; who waits there moves on when a berth frees elsewhere."""
    two.sites["west"].cores_free = 0
    two.sites["west"].first_state = JobState.QUEUED
    await two.tick()
    first = await two.launch("ann", need=Need(cores=4))
    attempt = await two.at(first, "submitted")
    assert attempt.centre == "east"
    two.sites["east"].jobs["1"].state = JobState.QUEUED
    await two.at(first, "queued")
    await two.store.update_attempt(first.id, 1, queued_at=two.services.now() - 61)
    for _ in range(3):
        await two.step(first)
        await two.tick()
    then = await two.launch("ben", need=Need(cores=4))
    assert (await two.at(then, "queued")).centre == "west"
    said = next(
        offer for offer in (await advise(two.services, Need(cores=4), "cat")).ranked if offer.centre == "east"
    )
    assert said.reasons[0].code == "place.unkept"
    two.sites["west"].jobs.clear()
    two.sites["west"].cores_free, two.sites["west"].first_state = 4, JobState.RUNNING
    await two.tick()
    assert (await two.at(first, "running", number=2)).centre == "west"
    broken(
        ("A centre says that it has room, and starts nothing.", "某中心声称有空位，却什么也不启动。"),
        said.reasons[0],
        await counted_at_sites(two, first.id),
        0,
    )


async def test_a_host_key_that_is_another(broken: Broken) -> None:
    """A real sshd with another key than the pinned one: nothing is sent there, and its operators are told which it showed."""
    with login_node() as node:
        transport = SshTransport(node.descriptor(), node.signer)
        node.stop()
        node.new_host_key()
        node.start()
        with pytest.raises(Unavailable) as caught:
            await transport.run(["true"], deadline=5)
        await transport.close()
        assert "Accepted" not in node.log
    assert caught.value.code == "centre.host_key"
    broken(
        ("The login node shows another host key.", "登录节点出示了另一把主机密钥。"),
        caught.value.message,
        Losses(),
    )
