from __future__ import annotations

import pytest

from sampan_hub.rate import Rate

pytestmark = pytest.mark.fast


def test_so_many_at_once_and_then_so_many_each_second() -> None:
    now = 100.0
    rate = Rate({"account": (3, 0.5)}, clock=lambda: now)
    assert [rate.take(("account", "a")) for _ in range(5)] == [True] * 3 + [False] * 2
    assert rate.take(("account", "b")), "each for itself"
    now += 2.0
    assert [rate.take(("account", "a")) for _ in range(2)] == [True, False]
    now += 1e6
    assert [rate.take(("account", "a")) for _ in range(4)] == [True] * 3 + [False], "never more than at once"


def test_of_all_or_of_none() -> None:
    rate = Rate({"account": (5, 0), "centre": (2, 0)}, clock=lambda: 0.0)
    asked = ("account", "a"), ("centre", "east")
    assert [rate.take(*asked) for _ in range(4)] == [True, True, False, False]
    assert [rate.take(("account", "a")) for _ in range(4)] == [True, True, True, False], (
        "nothing was taken in vain"
    )
