"""What the sweeps have found, and for how long somebody waits for them."""

from __future__ import annotations

import asyncio
import time

import pytest

from sampan_hub.strays import EVERY, FIRST, SOON, YOUNG, Strays

pytestmark = pytest.mark.fast
TAG = "sampan-test1-abcd2345-1"


async def test_new_launches_wait_for_the_first_sweeps() -> None:
    strays = Strays()
    waiting = asyncio.create_task(strays.first(["east", "west"]))
    await asyncio.sleep(0.05)
    strays.whole("east").set()
    await asyncio.sleep(0.05)
    assert not waiting.done()
    strays.whole("west").set()
    await asyncio.wait_for(waiting, 1)


async def test_a_silent_centre_keeps_nobody_waiting_for_long() -> None:
    """After the first seconds of the broker nobody waits at all, however long that centre stays away."""
    strays = Strays()
    strays._began -= FIRST - 0.2
    began = time.monotonic()
    await strays.first(["east"])
    assert 0.1 < time.monotonic() - began < 2
    began = time.monotonic()
    await strays.first(["east"])
    assert time.monotonic() - began < 1


def test_what_is_young_is_looked_at_again_soon() -> None:
    strays = Strays()
    assert strays.pause("east") == SOON
    strays.whole("east").set()
    assert strays.pause("east") == EVERY
    stray = strays.find("east", "7", TAG, "hpc7")
    assert (strays.pause("east"), strays.pause("west")) == (SOON, SOON)
    strays.whole("west").set()
    assert strays.pause("west") == EVERY
    stray.since -= YOUNG + 1
    assert strays.pause("east") == EVERY


def test_one_is_the_same_until_it_is_settled() -> None:
    strays = Strays()
    first = strays.find("east", "7", TAG, "hpc7")
    assert strays.find("east", "7", TAG, "hpc7") is first
    assert strays.of("abcd2345")
    # A number that was given out anew is another job.
    assert strays.find("east", "7", TAG.replace("abcd", "efgh"), "hpc7") is not first
    strays.settle("east", "7", "adopted")
    assert not strays.of("efgh2345")
    assert strays.counts == {("east", "adopted"): 1}


def test_what_is_not_told_of_any_more_is_forgotten() -> None:
    strays = Strays()
    for centre in ("east", "west"):
        strays.find(centre, "7", TAG, "hpc7")
        strays.foreign.add((centre, "8"))
    strays.gone("east", {"8"})
    assert set(strays.found) == {("west", "7")}
    assert strays.foreign == {("east", "8"), ("west", "8")}
    strays.gone("east", set())
    assert strays.foreign == {("west", "8")}


def test_a_centre_that_was_described_anew_has_told_nothing() -> None:
    strays = Strays()
    strays.hear("east", None)
    strays.whole("east").set()
    strays.find("east", "7", TAG, "hpc7")
    strays.forget("east")
    assert (strays.heard, strays.found, strays.whole("east").is_set()) == ({}, {}, False)
