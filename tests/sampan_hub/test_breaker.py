from __future__ import annotations

import time
from contextlib import suppress

import pytest

from sampan.errors import Refused, SampanError, Unavailable
from sampan_hub.breaker import Breaker

SILENT = Unavailable("centre.timeout", centre="a", seconds=1)
ANSWER = Refused("batch.limit")


class Clock:
    """The breaker's time, and no jitter."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = time.monotonic()
        patch.setattr("time.monotonic", lambda: self.now)
        patch.setattr("random.uniform", lambda low, high: 1.0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(lambda error: error.code == "centre.timeout", most=3, waits=(1.0, 3.0))


def shut(breaker: Breaker) -> SampanError | None:
    return breaker.shut


def meet(breaker: Breaker, *outcomes: SampanError | None, telling: bool = True) -> None:
    for outcome in outcomes:
        with suppress(SampanError), breaker.attempt(telling=telling):
            if outcome is not None:
                raise outcome


def test_opens_after_silences_in_a_row_alone(breaker: Breaker) -> None:
    meet(breaker, SILENT, SILENT, None, SILENT, ANSWER, SILENT)
    assert shut(breaker) is None
    meet(breaker, SILENT)
    assert shut(breaker) is SILENT


def test_a_silence_that_tells_nothing_counts_for_nothing(breaker: Breaker) -> None:
    meet(breaker, *[SILENT] * 9, telling=False)
    assert not breaker.open


def test_one_attempt_after_a_while_decides_for_all(breaker: Breaker, clock: Clock) -> None:
    meet(breaker, SILENT, SILENT, SILENT)
    clock.now += 0.9
    assert shut(breaker) is SILENT
    clock.now += 0.2
    assert shut(breaker) is None
    with breaker.attempt():
        assert shut(breaker) is SILENT, "nobody else meanwhile"
    assert not breaker.open


def test_the_whiles_grow_to_a_longest_one(breaker: Breaker, clock: Clock) -> None:
    meet(breaker, SILENT, SILENT)
    for wait in (1.0, 2.0, 3.0, 3.0):
        meet(breaker, SILENT)
        clock.now += wait - 0.1
        assert shut(breaker) is SILENT
        clock.now += 0.2
        assert shut(breaker) is None
    meet(breaker, None, SILENT, SILENT, SILENT)
    clock.now += 1.1
    assert shut(breaker) is None, "after an answer the first while is the first one again"


def test_an_attempt_that_ends_without_a_verdict_leaves_it_to_the_next(breaker: Breaker, clock: Clock) -> None:
    meet(breaker, SILENT, SILENT, SILENT)
    clock.now += 1.1
    meet(breaker, ANSWER)
    assert breaker.open
    assert shut(breaker) is None
    with pytest.raises(KeyboardInterrupt), breaker.attempt():
        raise KeyboardInterrupt
    assert shut(breaker) is None
    meet(breaker, None)
    assert not breaker.open


def test_what_was_under_way_before_it_opened_keeps_it_shut_no_longer(breaker: Breaker, clock: Clock) -> None:
    with suppress(Unavailable), breaker.attempt():
        meet(breaker, SILENT, SILENT, SILENT)
        clock.now += 0.9
        raise SILENT
    clock.now += 0.2
    assert shut(breaker) is None


def test_an_answer_of_what_was_under_way_before_closes_it(breaker: Breaker) -> None:
    with breaker.attempt():
        meet(breaker, SILENT, SILENT, SILENT)
        found = breaker.shut
    assert found is SILENT
    assert not breaker.open
