"""From a row to one job, whatever is lost or killed on the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sampan.errors import Refused, Unavailable, Unreachable
from sampan.stages import Target
from sampan_hub.records import Launch
from sampan_hub.sweep import sweep
from tests.sampan_hub.scripted_centre import Bench, ScriptedJob


async def submitted_unheard(one: Bench) -> Launch:
    """Job 1 is at east, and the answer that says so was lost."""
    one.sites["east"].lost_replies["submit"] = Unreachable("link.cut")
    launch = await one.launch()
    await one.step(launch)
    await one.step(launch)
    return launch


@pytest.mark.parametrize(
    "error", [Unavailable("centre.timeout", centre="east", seconds=10), Unreachable("link.cut")]
)
async def test_a_lost_reply_is_one_job(one: Bench, error: Unavailable) -> None:
    site = one.sites["east"]
    site.lost_replies["submit"] = error
    launch = await one.launch()
    attempt = await one.at(launch, "running")
    assert [job.tag for job in site.live] == [attempt.tag]
    assert site.asked.count("submit") == 1
    assert site.asked.count("find") == 1


@pytest.mark.parametrize("forgotten", [False, True], ids=["live", "over"])
async def test_a_job_that_is_hidden_from_the_service_account_is_found_as_its_person(
    one: Bench, forgotten: bool
) -> None:
    site = one.sites["east"]
    site.private = {"find", "recall"}
    launch = await submitted_unheard(one)
    if forgotten:
        site.records["1"] = site.jobs["1"]
        site.jobs = {"9": ScriptedJob("9", "other", "mallory")}
    await one.step(launch)
    assert (await one.last(launch)).job == "1"
    assert site.asked.count("submit") == 1


async def test_a_foreign_job_with_our_tag_does_not_hide_that_ours_is_over(one: Bench) -> None:
    site = one.sites["east"]
    launch = await submitted_unheard(one)
    ours = site.jobs["1"]
    site.records["1"] = ours
    site.jobs = {"9": ScriptedJob("9", ours.tag, "mallory")}
    await one.step(launch)
    assert (await one.last(launch)).job == "1"
    assert site.asked.count("submit") == 1


async def test_killed_between_the_submission_and_its_row(one: Bench) -> None:
    site = one.sites["east"]
    launch = await one.launch()
    attempt = await one.at(launch, "running")
    await one.store.update_attempt(
        launch.id, 1, job=None, stage="placed", submitted_at=None, running_at=None, node=None
    )
    one.put("east", one.remove("east"))
    again = await one.at(launch, "running")
    assert again.job == attempt.job
    assert len(site.jobs) == 1


async def test_nobody_can_say_whether_it_was_taken(one: Bench) -> None:
    """While the tag cannot be looked for, nothing is submitted a second time."""
    site = one.sites["east"]
    launch = await submitted_unheard(one)
    site.trouble["find"] = Unreachable("link.cut")
    for _ in range(4):
        assert await one.step(launch) == 1.0
    assert len(site.jobs) == 1
    assert (await one.last(launch)).seen == "unreachable"
    site.trouble.clear()
    await one.at(launch, "running")
    assert len(site.jobs) == 1


async def test_a_tag_on_a_foreign_job_is_not_ours(one: Bench) -> None:
    site = one.sites["east"]
    launch = await one.launch()
    await one.step(launch)
    attempt = await one.last(launch)
    site.jobs["1"] = ScriptedJob("1", attempt.tag, "mallory")
    await one.store.update_attempt(launch.id, 1, submit_began_at=one.services.now())
    assert (await one.at(launch, "running")).job == "2"


async def test_a_refusal_is_kept_with_its_words(two: Bench) -> None:
    for name in two.sites:
        two.sites[name].trouble["submit"] = Refused("scheduler.refused", why=f"{name}: invalid account")
    launch = await two.launch()
    ended = await two.over(launch)
    assert ended.message.code == "launch.failed"
    centres = {attempt.centre: attempt.cause for attempt in await two.store.attempts(launch.id)}
    assert set(centres) == {"east", "west"}
    for name, cause in centres.items():
        assert cause is not None
        assert f"{name}: invalid account" in cause.say("en")
    assert "invalid account" in ended.message.say("zh")


async def test_a_folder_that_cannot_be_made_is_the_reason_and_not_silence(two: Bench) -> None:
    """A full disk at a centre: the next one at once, and the person is told."""
    launch = await two.launch()
    await two.step(launch)
    first = (await two.last(launch)).centre
    two.sites[first].trouble["mkdir"] = Unavailable("centre.file", cause="No space left on device")
    attempt = await two.at(launch, "running")
    assert attempt.centre != first
    cause = (await two.store.attempts(launch.id))[0].cause
    assert cause is not None
    assert cause.code == "ended.refused"
    assert "quota" in cause.say("en")


async def test_an_environment_that_does_not_suit_is_the_reason_and_the_next_one_is_asked(
    two: Bench, tmp_path: Path
) -> None:
    """A real command there says that its JupyterHub is another one."""
    launch = await two.launch()
    await two.step(launch)
    first = (await two.last(launch)).centre
    said = {"schema": "sampan/environment/1", "speaks": [1], "versions": {"jupyterhub": "4.1.0"}}
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho '{json.dumps(said)}'\n")
    python.chmod(0o755)
    facts = two.services.centre(first).descriptor
    environment = facts.environment.model_copy(update={"python": str(python)})
    two.put(first, facts.model_copy(update={"environment": environment}))
    await two.tick()
    attempt = await two.at(launch, "running")
    assert attempt.centre != first
    cause = (await two.store.attempts(launch.id))[0].cause
    assert cause is not None
    assert cause.code == "ended.refused"
    assert "JupyterHub 4.1.0" in cause.say("en")
    assert "JupyterHub 为 4.1.0" in cause.say("zh")
    assert two.sites[first].jobs == {}


async def test_no_answer_for_long_means_another_centre_and_the_sweep_cleans_up(two: Bench) -> None:
    launch = await two.launch()
    await two.step(launch)
    first = await two.last(launch)
    site = two.sites[first.centre]
    site.lost_replies["submit"] = Unreachable("link.cut")
    await two.step(launch)
    site.trouble["find"] = Unreachable("link.cut")
    await two.step(launch)
    assert (await two.last(launch)).number == 1
    two.services.started_at -= 60
    await two.store.update_attempt(launch.id, 1, created_at=two.services.now() - 60)
    attempt = await two.at(launch, "running")
    assert (attempt.number, attempt.centre != first.centre) == (2, True)
    assert len(site.live) == 1
    site.trouble.clear()
    assert await sweep(two.services, first.centre) == 1
    assert site.live == []
    assert len(two.sites[attempt.centre].live) == 1


async def test_a_broker_that_was_away_asks_before_it_gives_up(one: Bench) -> None:
    site = one.sites["east"]
    launch = await one.launch()
    await one.step(launch)
    await one.store.update_attempt(
        launch.id, 1, created_at=one.services.now() - 600, submit_began_at=one.services.now() - 600
    )
    site.trouble["find"] = Unreachable("link.cut")
    await one.step(launch)
    assert (await one.last(launch)).ended_at is None


async def test_stopped_while_nobody_knows_whether_it_was_taken(one: Bench) -> None:
    site = one.sites["east"]
    launch = await submitted_unheard(one)
    await one.store.update_launch(launch.id, target=Target.STOPPED)
    await one.over(launch)
    assert site.cancelled == ["1"]
    assert site.live == []


async def test_every_step_twice_is_harmless(one: Bench) -> None:
    """Run again with the row as it was before: as after a kill in the middle."""
    site = one.sites["east"]
    launch = await one.launch()
    for stage in ("placed", "submitted", "running"):
        attempt = await one.at(launch, stage)
        before = {"stage": attempt.stage, "job": attempt.job, "submitted_at": attempt.submitted_at}
        await one.step(launch)
        await one.store.update_attempt(launch.id, 1, **before)
        await one.step(launch)
        await one.tick()
    assert len(site.jobs) == 1
    assert len(await one.store.attempts(launch.id)) == 1
    steps = await one.store.transitions(launch.id)
    assert [step.progress for step in steps] == sorted(step.progress for step in steps)
