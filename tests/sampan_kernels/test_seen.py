"""Messages that are told again are passed on once, by this server and by the one after it."""

from __future__ import annotations

from pathlib import Path

from sampan_kernels import seen
from sampan_kernels.seen import Seen


def test_each_is_new_once() -> None:
    some = Seen()
    assert [some.add(one) for one in ("a", "b", "a", "b", "c")] == [False, False, True, True, False]


def test_another_process_knows_them_too(tmp_path: Path) -> None:
    file = tmp_path / "seen"
    before = Seen(file)
    for number in range(10):
        before.add(str(number))
    after = Seen(file)
    assert [after.add(str(number)) for number in range(12)] == [True] * 10 + [False] * 2
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_oldest_are_forgotten_first(tmp_path: Path) -> None:
    file = tmp_path / "seen"
    some = Seen(file)
    for number in range(seen.ROOM + 5):
        some.add(str(number))
    for later in (some, Seen(file)):
        assert later.add(str(seen.ROOM))
        assert len(later._known) == seen.ROOM
    assert not some.add("0")
