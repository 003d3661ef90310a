"""Messages that are told again are passed on once; what a page has got, also by the server after this one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sampan_kernels import seen
from sampan_kernels.seen import Seen


def test_each_is_new_once() -> None:
    some = Seen()
    assert [some.add(one) for one in ("a", "b", "a", "b", "c")] == [False, False, True, True, False]


def test_another_process_knows_what_a_page_has_got(tmp_path: Path) -> None:
    file = tmp_path / "seen"
    before = Seen(file)
    for number in range(10):
        before.add(str(number))
        before.told(str(number))
    after = Seen(file)
    assert [after.add(str(number)) for number in range(12)] == [True] * 10 + [False] * 2
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_was_here_and_reached_no_page_is_new_to_another_process(tmp_path: Path) -> None:
    """It lay in this one's memory when it was killed."""
    file = tmp_path / "seen"
    before = Seen(file)
    assert [before.add(one) for one in ("a", "b", "a")] == [False, False, True]
    before.told("a")
    after = Seen(file)
    assert [after.add(one) for one in ("a", "b")] == [True, False]


def test_the_oldest_are_forgotten_first(tmp_path: Path) -> None:
    file = tmp_path / "seen"
    some = Seen(file)
    for number in range(seen.ROOM + 5):
        some.add(str(number))
        some.told(str(number))
    for later in (some, Seen(file)):
        assert later.add(str(seen.ROOM))
        assert not later.add("0")
        assert not later.add("4")


def test_two_pages_take_no_more_room_than_one(tmp_path: Path) -> None:
    file = tmp_path / "seen"
    some = Seen(file)
    for number in range(seen.ROOM):
        some.told(str(number))
        some.told(str(number))
    assert Seen(file).add("0")


@pytest.mark.parametrize("refused", ["open", "posix_fallocate"])
def test_a_full_disk_costs_the_next_server_its_memory_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, refused, full)
    some = Seen(tmp_path / "seen")
    some.told("a")
    assert not some.add("a")
    assert some.add("a")
