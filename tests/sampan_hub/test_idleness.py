"""Who says nothing is not idle; who is idle is told when it ends, and those who may end servers are told who."""

from __future__ import annotations

import time

import pytest

from sampan.errors import Unreachable
from sampan_hub import idleness
from sampan_hub.idleness import Idleness
from sampan_hub.views import cull_at
from tests.sampan_hub.scripted_centre import Bench, bench


def test_by_its_own_word_and_not_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    said = Idleness(3600)
    assert said.left("a") is None, "nothing was said yet"
    said.hear("a", 600)
    left = said.left("a")
    assert left is not None
    assert 2990 < left <= 3000
    said.hear("a", 4000)
    assert (said.left("a") or 0) < 0
    assert said.due("a")
    said.hear("a", 0)
    assert (said.left("a") or 0) > 3590, "somebody is there again"
    assert not said.due("a")
    monkeypatch.setattr(idleness, "BELIEVED", -1.0)
    assert said.left("a") is None, "who has not spoken lately is unknown"
    said.forget("a")
    said.forget("a")


def test_it_is_ended_by_what_it_said_and_not_by_what_follows_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said = Idleness(3600)
    said.hear("a", 3599.99)
    time.sleep(0.05)
    assert (said.left("a") or 0) < 0
    assert not said.due("a"), "it may have begun to compute since"
    said.hear("a", 3700)
    assert said.due("a")
    monkeypatch.setattr(idleness, "FRESH", -1.0)
    assert not said.due("a")


def test_zero_is_never() -> None:
    said = Idleness(0)
    said.hear("a", 1e9)
    assert said.left("a") is None


async def test_only_a_session_that_is_there_and_wanted(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with bench(tmp_path_factory.mktemp("b"), "east") as one:
        launch = await one.launch()
        attempt = await one.put_ready(launch)
        one.services.idleness.hear(launch.id, 4000)

        async def at() -> float | None:
            return cull_at(one.services, await one.row(launch), await one.last(launch))

        due = await at()
        assert due is not None
        assert due < one.services.now()
        one.sites["east"].trouble["*"] = Unreachable("centre.unreachable", centre="east")
        await _look(one)
        assert await at() is None, "a session that cannot be reached says nothing of what is done there"
        one.sites["east"].trouble.clear()
        await _look(one)
        assert await at() is not None
        await one.store.update_launch(launch.id, target="stopped")
        assert await at() is None
        assert attempt.job


async def _look(one: Bench) -> None:
    for _ in range(2):
        await one.tick()
        for launch in await one.store.live_launches():
            await one.step(launch)
