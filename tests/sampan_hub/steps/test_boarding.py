"""From a running job to an answering server: impostors are refused, and each part has its own limit."""

from __future__ import annotations

import json
import logging
import os
from typing import Any

import pytest

from sampan.errors import Unavailable
from sampan_hub.records import Attempt, Launch
from sampan_hub.report import Report
from sampan_hub.steps import boarding
from tests.sampan_hub.scripted_centre import Bench
from tests.sampan_hub.steps.a_launcher import a_launcher, folder

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43


def _report(bench: Bench, launch: Launch, attempt: Attempt, **changes: Any) -> None:
    honest = {
        "protocol": 1,
        "nonce": bench.services.master.nonce(attempt.tag),
        "port": 2222,
        "node": "n1",
        "pid": 4242,
        "host_key": HOST_KEY,
    }
    (folder(bench, launch, attempt) / "report.json").write_text(json.dumps({**honest, **changes}))


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "forged"},
        {"nonce": None},
        {"cmd": "id"},
        {"node": "n2"},
        {"node": "$(id)"},
        {"port": 22},
        {"port": "2222"},
        {"pid": 1},
        {"protocol": 99},
        {"host_key": "ssh-rsa AAAA"},
    ],
)
async def test_a_forged_report_is_refused_logged_and_means_another_centre(
    two: Bench, changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    launch = await two.launch()
    attempt = await two.at(launch, "running")
    _report(two, launch, attempt, **changes)
    with caplog.at_level(logging.ERROR):
        await two.step(launch)
    assert "refused" in caplog.text
    await two.tick()
    second = await two.at(launch, "running", 2)
    assert second.centre != attempt.centre
    first = (await two.store.attempts(launch.id))[0]
    assert first.cause is not None
    assert first.cause.code == "ended.report"
    assert two.sites[attempt.centre].live == [], "the impostor's job is ended"
    assert (await two.row(launch)).identity_attempt is None


async def test_a_report_of_another_attempt(two: Bench) -> None:
    """Honest once, at another time: its nonce is not this attempt's."""
    launch = await two.launch()
    attempt = await two.at(launch, "running")
    _report(two, launch, attempt, nonce=two.services.master.nonce(attempt.tag[:-1] + "2"))
    await two.step(launch)
    assert (await two.last(launch)).cancel_requested_at is not None


async def _as_after_a_restart(bench: Bench, launch: Launch, attempt: Attempt) -> None:
    """The broker has asked nothing yet."""
    watch = bench.services.watches[attempt.centre]
    watch.forget(attempt.job or "")
    assert watch.statuses == {}


async def test_a_forged_node_is_refused_also_while_the_scheduler_says_nothing(one: Bench) -> None:
    launch = await one.launch()
    attempt = await one.at(launch, "running")
    await _as_after_a_restart(one, launch, attempt)
    _report(one, launch, attempt, node="n2")
    await one.step(launch)
    cause = (await one.last(launch)).cause
    assert cause is not None
    assert cause.code == "ended.report"


async def test_no_node_is_believed_while_none_is_known(one: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for: a scheduler may name the node a moment later."""
    tried: list[str] = []

    async def link(services: object, attempt: Attempt, report: Report) -> None:
        tried.append(report.node)
        raise Unavailable("link.cut")

    monkeypatch.setattr(boarding, "_link", link)
    launch = await one.launch()
    attempt = await one.at(launch, "running")
    await one.store.update_attempt(launch.id, 1, node=None)
    await _as_after_a_restart(one, launch, attempt)
    _report(one, launch, attempt)
    for _ in range(3):
        await one.step(launch)
    last = await one.last(launch)
    assert (tried, last.stage, last.cancel_requested_at) == ([], "running", None)
    await one.tick()
    await one.step(launch)
    assert tried == ["n1"]


async def test_nobody_listens_where_the_report_says(one: Bench) -> None:
    """Not a forgery: the launcher may be gone, and the scheduler will say so."""
    launch = await one.launch()
    attempt = await one.at(launch, "running")
    _report(one, launch, attempt, port=1024)
    pause = await one.step(launch)
    assert pause is not None
    assert 0 < pause <= 1.0
    assert (await one.last(launch)).stage == "running"


async def test_the_boot_limit(two: Bench) -> None:
    launch = await two.launch()
    attempt = await two.at(launch, "running")
    await two.store.update_attempt(launch.id, 1, running_at=two.services.now() - 119)
    await two.step(launch)
    assert (await two.last(launch)).cancel_requested_at is None
    await two.store.update_attempt(launch.id, 1, running_at=two.services.now() - 121)
    await two.tick()
    await two.step(launch)
    second = await two.at(launch, "running", 2)
    assert second.centre != attempt.centre
    cause = (await two.store.attempts(launch.id))[0].cause
    assert cause is not None
    assert (cause.code, cause.params["seconds"]) == ("ended.boot_limit", 120)


async def test_the_boot_limit_is_not_for_a_centre_that_is_away(one: Bench) -> None:
    launch = await one.launch()
    await one.at(launch, "running")
    one.sites["east"].trouble["*"] = Unavailable("scheduler.no_answer")
    await one.tick()
    await one.step(launch)
    await one.store.update_attempt(launch.id, 1, running_at=one.services.now() - 1000)
    await one.step(launch)
    assert (await one.last(launch)).cancel_requested_at is None


async def test_the_report_is_asked_for_less_often_as_time_goes_by(one: Bench) -> None:
    launch = await one.launch()
    await one.at(launch, "running")
    assert (await one.step(launch) or 9) <= 0.3
    await one.store.update_attempt(launch.id, 1, running_at=one.services.now() - 60)
    assert await one.step(launch) == 1.0


async def test_reached_and_waiting_for_the_hub(one: Bench) -> None:
    """A hub that is away for a while is no fault of the centre: the reach limit does not count."""
    launch = await one.launch()
    attempt = await one.at(launch, "running")
    async with a_launcher(one, launch, attempt):
        reached = await one.at(launch, "reachable")
        assert reached.node == os.uname().nodename
        assert "nonce" not in (reached.report or {})
        await one.store.update_attempt(launch.id, 1, stage_at=one.services.now() - 200)
        await one.step(launch)
        assert (await one.last(launch)).cancel_requested_at is None
        await one.store.update_attempt(launch.id, 1, stage_at=one.services.now() - 700)
        await one.step(launch)
        cause = (await one.last(launch)).cause
        assert cause is not None
        assert cause.code == "ended.reach_limit"


async def test_a_server_that_never_answers_passes_the_reach_limit(two: Bench) -> None:
    launch = await two.launch()
    attempt = await two.at(launch, "running")
    two.services.identities[launch.id] = {"JUPYTERHUB_API_TOKEN": "x"}
    async with a_launcher(two, launch, attempt):
        await two.at(launch, "reachable")
        await two.step(launch)
        assert (await two.row(launch)).identity_attempt in (None, 1)
        await two.store.update_attempt(launch.id, 1, stage_at=two.services.now() - 121)
        for _ in range(3):
            await two.step(launch)
            await two.tick()
        second = await two.at(launch, "running", 2)
        assert second.centre != attempt.centre
        cause = (await two.store.attempts(launch.id))[0].cause
        assert cause is not None
        assert cause.code in ("ended.reach_limit", "ended.failed")


async def test_a_later_attempt_is_given_the_identity_also_by_a_broker_that_has_forgotten_it(
    one: Bench,
) -> None:
    """The first attempt had it and failed; the broker was restarted: the hub is asked again, nothing times out."""
    launch = await one.launch()
    attempt = await one.at(launch, "running")
    await one.store.update_launch(launch.id, identity_attempt=7)
    async with a_launcher(one, launch, attempt):
        await one.at(launch, "reachable")
        assert await one.step(launch) == 0.5
        from sampan_hub.people import Person
        from sampan_hub.views import launch_view

        shown = launch_view(one.services, await one.row(launch), (await one.last(launch),), Person("alice"))
        assert shown["needs_identity"] is True
        one.services.identities[launch.id] = {"JUPYTERHUB_API_TOKEN": "told-again"}
        for _ in range(3):
            await one.step(launch)
        assert (await one.row(launch)).identity_attempt == 1
        assert await one.services.links[launch.id].identity() == "told-again"


async def test_killed_between_the_start_of_the_server_and_its_row(one: Bench) -> None:
    launch = await one.launch()
    attempt = await one.at(launch, "running")
    async with a_launcher(one, launch, attempt):
        await one.at(launch, "reachable")
        one.services.identities[launch.id] = {"JUPYTERHUB_API_TOKEN": "first"}
        await one.step(launch)
        status = await one.services.links[launch.id].status()
        await one.store.update_launch(launch.id, identity_attempt=None)
        await one.services.links[launch.id].close()
        one.services.identities[launch.id] = {"JUPYTERHUB_API_TOKEN": "second"}
        await one.step(launch)
        again = await one.services.links[launch.id].status()
        assert again.pid == status.pid, "nothing is started twice"
        assert await one.services.links[launch.id].identity() == "first"
