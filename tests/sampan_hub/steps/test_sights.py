"""Four answers, never two: alive, ended, unknown since, unreachable since."""

from __future__ import annotations

from sampan.errors import Unavailable, Unreachable
from sampan.messages import Message
from sampan_hub.jobs import JobState
from sampan_hub.steps.sights import moment
from sampan_hub.views import may_decide_at
from tests.sampan_hub.scripted_centre import Bench

AWAY = Unreachable("centre.unreachable", centre="east")
MUTE = Unavailable("scheduler.no_answer")


async def test_one_silence_has_one_beginning_however_it_sounds(one: Bench) -> None:
    launch = await one.launch()
    await one.put_ready(launch)
    site = one.sites["east"]
    site.trouble["status"] = MUTE
    for _ in range(2):
        await one.tick()
        await one.step(launch)
    began = (await one.last(launch)).seen_at
    assert began is not None
    await one.store.update_attempt(launch.id, 1, seen_at=began - 100)
    site.trouble["status"] = AWAY
    for _ in range(2):
        await one.tick()
        await one.step(launch)
    last = await one.last(launch)
    assert (last.seen, last.seen_at) == ("unreachable", began - 100)
    assert moment(began - 100) in (await one.row(launch)).message.say("en")


async def test_a_person_may_decide_after_the_silence_that_is_set_and_not_before(one: Bench) -> None:
    launch = await one.launch()
    await one.put_ready(launch)
    assert may_decide_at(one.services, await one.last(launch)) is None
    one.sites["east"].trouble["*"] = AWAY
    for _ in range(2):
        await one.tick()
        await one.step(launch)
    last = await one.last(launch)
    assert may_decide_at(one.services, last) == (last.seen_at or 0) + 120


async def test_a_centre_that_has_gone_from_the_directory_is_unknown(one: Bench) -> None:
    launch = await one.launch()
    await one.put_ready(launch)
    facts = one.remove("east")
    await one.step(launch)
    assert (await one.last(launch)).seen == "unknown"
    assert (await one.row(launch)).ended_at is None
    one.put("east", facts)
    for _ in range(2):
        await one.tick()
        await one.step(launch)
    assert (await one.last(launch)).seen == "alive"


async def test_a_job_that_runs_and_cannot_be_reached_is_unreachable(one: Bench) -> None:
    """The scheduler says that it runs: nothing ends, and nobody is told that all is well."""
    launch = await one.launch()
    attempt = await one.put_ready(launch)
    await one.tick()
    await one.step(launch)
    assert (await one.row(launch)).message.code != "launch.cut", "a link is made again in a moment"
    one.services.lost_links[launch.id] = one.services.now() - 60
    await one.step(launch)
    assert (await one.last(launch)).seen == "unreachable"
    assert (await one.row(launch)).message.code == "launch.cut"
    one.sites["east"].trouble["*"] = AWAY
    await one.tick()
    await one.step(launch)
    assert (await one.row(launch)).message.code == "launch.unreachable", "now it is the centre"
    one.sites["east"].trouble.clear()
    one.services.lost_links.clear()
    await one.tick()
    await one.step(launch)
    assert (await one.last(launch)).seen == "alive"
    one.services.lost_links[launch.id] = one.services.now() - 60
    one.sites["east"].jobs[attempt.job or ""].state = JobState.ENDED
    one.sites["east"].jobs[attempt.job or ""].why = Message("ended.node")
    await one.tick()
    await one.step(launch)
    assert (await one.row(launch)).cause == Message("ended.node"), "an end is an end"
