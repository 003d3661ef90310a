"""How centres stood: one stretch for each state, over restarts, with gaps where nobody looked."""

from __future__ import annotations

from pathlib import Path

import pytest

from sampan.errors import Unavailable, Unreachable
from sampan_hub.chronicle import DAY, GAP, Chronicle, Stretch, state_of
from tests.sampan_hub.scripted_centre import bench

T = 1_790_000_000.0


def test_the_same_state_goes_on_and_another_begins(tmp_path: Path) -> None:
    chronicle = Chronicle(tmp_path / "chronicle.json")
    assert chronicle.note("east", "open", T)
    assert not chronicle.note("east", "open", T + 3)
    assert chronicle.note("east", "full", T + 6)
    assert chronicle.since("east") == T + 6
    assert chronicle.since("west") is None
    assert chronicle.lately("east", T, T + 10) == [Stretch("open", T, T + 3), Stretch("full", T + 6, T + 6)]
    assert chronicle.lately("east", T + 2, T + 4) == [Stretch("open", T + 2, T + 3)]


def test_a_restart_forgets_nothing_and_a_long_one_leaves_a_gap(tmp_path: Path) -> None:
    file = tmp_path / "chronicle.json"
    before = Chronicle(file)
    before.note("east", "unreachable", T)
    before.note("gone", "open", T)
    before.save(["east"], T)
    after = Chronicle(file)
    assert not after.note("east", "unreachable", T + GAP - 1)
    assert after.since("east") == T
    assert after.since("gone") is None
    later = Chronicle(file)
    assert later.note("east", "unreachable", T + GAP + 1)
    assert later.since("east") == T + GAP + 1
    later.save(["east"], T + 3 * DAY)
    assert Chronicle(file).since("east") is None, "too old to keep"


def test_a_clock_that_is_set_back_begins_a_new_stretch(tmp_path: Path) -> None:
    chronicle = Chronicle(tmp_path / "chronicle.json")
    chronicle.note("east", "open", T)
    assert chronicle.note("east", "open", T - 600)
    assert all(one.begin <= one.end for one in chronicle.lately("east", T - DAY, T))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"east": [{}]}', '{"east": [{"state": "x", "begin": 1, "end": 2}]}']
)
def test_a_file_that_cannot_be_read_begins_anew(tmp_path: Path, text: str) -> None:
    file = tmp_path / "chronicle.json"
    file.write_text(text)
    assert Chronicle(file).since("east") is None


def test_a_disk_that_is_full_loses_this_alone(tmp_path: Path) -> None:
    chronicle = Chronicle(tmp_path / "nowhere" / "chronicle.json")
    chronicle.note("east", "open", T)
    chronicle.save(["east"], T)
    assert chronicle.since("east") == T


async def test_a_centre_in_one_word(tmp_path: Path) -> None:
    async with bench(tmp_path, "east") as one:
        watch, site, now = one.services.watches["east"], one.sites["east"], one.services.now()
        assert state_of(watch, now) == "open"
        assert state_of(watch, now + 3600) == "unknown", "what is old says nothing"
        site.cores_free = 0
        await one.tick()
        assert state_of(watch, now) == "full"
        site.trouble["*"] = Unavailable("scheduler.no_answer")
        await one.tick()
        assert state_of(watch, now) == "unknown"
        site.trouble["*"] = Unreachable("centre.unreachable", centre="east")
        await one.tick()
        assert state_of(watch, now) == "unreachable"
        site.trouble.clear()
        facts = one.services.directory.centres["east"].descriptor
        one.put("east", facts.model_copy(update={"state": "draining"}))
        await one.tick()
        assert state_of(one.services.watches["east"], one.services.now()) == "draining"
