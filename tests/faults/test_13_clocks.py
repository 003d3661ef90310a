"""The hub's clock, or a centre's, is wrong by ten minutes; hours that come twice or not at all; leap days."""

from __future__ import annotations

import time
import zoneinfo
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from sampan.need import Need
from sampan_hub.people import Person
from sampan_hub.schedulers.slurm_text import duration, moment
from sampan_hub.views import launch_view
from tests.faults.broken import Broken
from tests.faults.losses import Losses, counted_at_sites
from tests.sampan_hub.scripted_centre import Bench, bench

JUMPS = (600.0, -600.0, 3600.0, -3600.0)
"""Seconds: ten minutes wrong either way, and the hour by which a machine that was set to local time is wrong twice a year."""


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, "east") as made:
        yield made


@pytest.mark.parametrize("jump", JUMPS)
async def test_the_hub_s_clock_jumps(one: Bench, broken: Broken, jump: float) -> None:
    """One server runs and one is on its way when it happens; both are there afterwards, and nothing is before its time."""
    runs, starts = await one.launch("ann"), await one.launch("ben")
    await one.put_ready(runs)
    await one.at(starts, "submitted")
    real = time.time

    def jumped() -> float:
        return real() + jump

    with mock.patch("time.time", jumped):
        await one.at(starts, "running")
        for _ in range(4):
            await one.tick()
            await one.step(runs)
        for launch in (runs, starts):
            _no_time_is_negative(one, await _view(one, launch))
        losses = await counted_at_sites(one, runs.id, starts.id)
        said = (await one.row(starts)).message
    assert one.sites["east"].cancelled == []
    waits = await one.store.recent_waits(0.0)
    assert all(wait.seconds >= 0 for found in waits.values() for wait in found)
    minutes = f"{jump / 60:+.0f}"
    broken(
        (f"The hub's clock jumps by {minutes} minutes", f"JupyterHub 主机的时钟跳变 {minutes} 分钟"),
        said,
        losses,
    )


@pytest.mark.parametrize("wrong", JUMPS)
async def test_a_centre_s_clock_is_wrong(one: Bench, broken: Broken, wrong: float) -> None:
    """All that its scheduler says of times is wrong by that."""
    site = one.sites["east"]
    launch = await one.launch("ann", need=Need(cores=1, minutes=60))
    attempt = await one.at(launch, "submitted")
    job = site.jobs[attempt.job or ""]
    job.submitted_at = time.time() + wrong
    job.started_at = time.time() + wrong
    await one.at(launch, "running")
    for _ in range(4):
        await one.tick()
        await one.step(launch)
    view = await _view(one, launch)
    _no_time_is_negative(one, view)
    waits = await one.store.recent_waits(0.0)
    assert all(0 <= wait.seconds < 600 for found in waits.values() for wait in found), waits
    minutes = f"{wrong / 60:+.0f}"
    broken(
        (f"A centre's clock is wrong by {minutes} minutes", f"某中心的时钟误差 {minutes} 分钟"),
        (await one.row(launch)).message,
        await counted_at_sites(one, launch.id),
    )


async def _view(bench: Bench, launch: Any) -> dict[str, Any]:
    row = await bench.row(launch)
    return launch_view(bench.services, row, await bench.store.attempts(row.id), Person(row.owner))


def _no_time_is_negative(bench: Bench, view: dict[str, Any]) -> None:
    assert view["ended_at"] is None
    for name in ("created_at", "seen_since", "ends_at"):
        assert view.get(name) is None or view[name] > 0, (name, view[name])


@pytest.mark.parametrize(
    ("place", "first", "second", "seconds"),
    [
        # https://data.iana.org/time-zones: clocks forward, and back.
        ("Europe/Berlin", "2027-03-28T01:30:00", "2027-03-28T03:30:00", 3600),
        ("Europe/Berlin", "2027-10-31T01:30:00", "2027-10-31T03:30:00", 3 * 3600),
        ("America/New_York", "2026-11-01T00:30:00", "2026-11-01T02:30:00", 3 * 3600),
        ("Asia/Shanghai", "2028-02-28T23:59:00", "2028-02-29T00:01:00", 120),
        ("Asia/Shanghai", "2028-02-29T23:59:00", "2028-03-01T00:01:00", 120),
        ("Asia/Shanghai", "2027-12-31T23:59:00", "2028-01-01T00:01:00", 120),
    ],
)
def test_days_that_are_not_like_others(
    place: str, first: str, second: str, seconds: int, broken: Broken
) -> None:
    """Durations are those that went by, whatever the clock on the wall said."""
    zone = zoneinfo.ZoneInfo(place)
    begun = moment(first, zone)
    assert begun is not None
    ended = moment(second, zone, after=begun)
    assert ended is not None
    assert ended - begun == seconds
    broken(
        (f"A job from {first} to {second} in {place}", f"作业在 {place} 从 {first} 运行到 {second}"),
        (f"It ran for {seconds // 60} minutes.", f"它运行了 {seconds // 60} 分钟。"),
        Losses(),
    )


def test_an_hour_that_comes_twice() -> None:
    """A job that begins in the first of them and ends in the second did not end before it began."""
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    begun = moment("2027-10-31T02:50:00", zone)
    ended = moment("2027-10-31T02:10:00", zone, after=begun)
    assert begun is not None
    assert ended is not None
    assert ended - begun == 20 * 60
    assert duration("1-00:00:01") == 86401
