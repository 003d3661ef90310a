"""The interval keeps what it promises: on draws from any distribution, with wrong predictions, and with those who gave up."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.need import Need
from sampan_hub.spans import Span
from sampan_hub.waits import ENOUGH, KEPT, History, Wait, interval, remaining

pytestmark = pytest.mark.fast

NEED = Need(cores=2, memory_mib=4096, minutes=60)


def waited(seconds: float, **more: object) -> Wait:
    return replace(Wait(seconds, 2, 60, 0.0, ahead=0), **more)  # type: ignore[arg-type]


def waits(*seconds: float, **more: object) -> list[Wait]:
    return [waited(one, **more) for one in seconds]


def test_nothing_is_known_and_nothing_is_said() -> None:
    assert interval([], NEED, ahead=0).starts == 0
    assert interval(waits(1.0, 2.0), NEED, ahead=None).starts == 0, "those had to wait, this has room"
    assert interval([], NEED, ahead=0, predicted=90.0).plan == 90.0


def test_a_few_are_told_as_what_there_was() -> None:
    assert interval(waits(40.0, 2.0, 9.0), NEED, ahead=0) == Span(2.0, 40.0, 3, sure=False)
    given_up = [*waits(40.0, 2.0), waited(60.0, started=False)]
    assert interval(given_up, NEED, ahead=0) == Span(2.0, math.inf, 3, sure=False)


def test_with_nine_the_outermost_are_the_interval_and_with_nineteen_the_next() -> None:
    assert interval(waits(*range(1, 10)), NEED, ahead=0) == Span(1.0, 9.0, 9, sure=True)
    assert interval(waits(*range(1, 20)), NEED, ahead=0) == Span(2.0, 18.0, 19, sure=True)


def test_starts_with_room_are_no_waits() -> None:
    both = [*waits(*[1.0] * 9, ahead=None), *waits(*[600.0] * 9)]
    assert interval(both, NEED, ahead=None).high == 1.0
    assert interval(both, NEED, ahead=2).low == 600.0


def test_those_that_are_most_alike_count() -> None:
    wide = waits(*[3600.0] * 12, cores=64)
    far = waits(*[900.0] * 12, ahead=20)
    near = waits(*[60.0] * 9)
    assert interval([*wide, *far, *near], NEED, ahead=0) == Span(60.0, 60.0, 9, sure=True)
    assert interval([*wide, *far, *near], NEED, ahead=25) == Span(900.0, 900.0, 12, sure=True)
    assert interval([*wide, *far, *near[1:]], NEED, ahead=1).high == 3600.0, (
        "too few alike: all in that place"
    )


def test_a_prediction_is_stretched_by_how_wrong_predictions_were() -> None:
    right = [waited(100.0 * n, predicted=100.0 * n) for n in range(1, 10)]
    assert interval(right, NEED, ahead=0, predicted=500.0) == Span(500.0, 500.0, 9, sure=True, plan=500.0)
    late = [waited(200.0 * n + 10, predicted=100.0 * n) for n in range(1, 10)]
    assert interval(late, NEED, ahead=0, predicted=500.0) == Span(1010.0, 1010.0, 9, sure=True, plan=500.0)
    # Twelve hours off, once: it does not make every other prediction twelve hours long.
    once = [*right, *right, waited(10.0, predicted=43200.0)]
    assert interval(once, NEED, ahead=0, predicted=500.0).high == 500.0
    assert interval(right[:8], NEED, ahead=0, predicted=500.0).sure is False, "measured too rarely"
    assert interval(waits(*[7.0] * 9), NEED, ahead=0, predicted=500.0).high == 7.0, "never measured"


def test_who_gave_up_would_have_waited_longer() -> None:
    ended = waits(*range(1, 19))
    assert interval(ended, NEED, ahead=0).high == 18.0
    gone = [*ended[:9], *waits(*[9.5] * 9, started=False)]
    assert interval(gone, NEED, ahead=0).high == math.inf
    assert interval(gone, NEED, ahead=0).low == 1.0
    late = [*ended, waited(0.5, started=False)]
    assert interval(late, NEED, ahead=0).high == 18.0, "one who left at once says nothing about the end"


def test_what_remains_for_one_that_has_waited() -> None:
    past = waits(*(10.0 * n for n in range(1, 20)))
    assert remaining(past, NEED, 0.0, ahead=0) == Span(20.0, 180.0, 19, sure=True)
    assert remaining(past, NEED, 100.0, ahead=0) == Span(10.0, 90.0, 9, sure=True)
    assert remaining(past, NEED, 185.0, ahead=0) is None, "one of nineteen waited longer"
    assert remaining([], NEED, 5.0, ahead=0) == Span(0.0, math.inf, 0, sure=False)
    assert remaining(past[:3], NEED, 100.0, ahead=0) == Span(0.0, math.inf, 0, sure=False)


def test_history_keeps_the_newest_and_knows_what_is_usual() -> None:
    history = History({("east", "main"): [*waits(1.0, 9.0, 5.0), waited(900.0, ahead=None)]})
    assert history.usual == {("east", "main"): 5.0}
    more = history.with_("east", "main", waited(7.0)).with_("west", "main", waited(3.0, started=False))
    assert more.usual == {("east", "main"): 6.0}
    assert more.of("east", "main")[0].seconds == 7.0
    assert len(history.of("east", "main")) == 4
    assert history.of("west", "main") == ()
    for n in range(KEPT + 5):
        more = more.with_("east", "main", waited(float(n)))
    assert len(more.of("east", "main")) == KEPT


Draw = Callable[[random.Random], float]
DRAWS: dict[str, Draw] = {
    "exponential": lambda chance: chance.expovariate(1 / 300),
    "heavy tail": lambda chance: chance.lognormvariate(5, 1.5),
    "two kinds of day": lambda chance: (
        chance.gauss(20, 3) if chance.random() < 0.7 else chance.gauss(4000, 500)
    ),
    "nearly the same": lambda chance: 10 + chance.random(),
}


def kept(trials: int, one: Callable[[random.Random], tuple[Span, float]]) -> float:
    chance = random.Random(20260317)
    inside = 0
    for _ in range(trials):
        span, real = one(chance)
        assert span.sure
        inside += span.low <= real <= span.high
    return inside / trials


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize("starts", [ENOUGH, 15, 40, 150])
def test_eight_of_ten_starts_are_within(draw: Draw, starts: int) -> None:
    def one(chance: random.Random) -> tuple[Span, float]:
        return interval(waits(*(draw(chance) for _ in range(starts))), NEED, ahead=0), draw(chance)

    assert 0.77 <= kept(1200, one) <= 0.93


@pytest.mark.parametrize("bias", [0.2, 1.0, 5.0])
def test_eight_of_ten_are_within_however_wrong_the_predictions_are(bias: float) -> None:
    """The predicted wait differs from job to job; what is real is that, times a bias, times chance."""

    def job(chance: random.Random) -> Wait:
        predicted = chance.choice((30.0, 300.0, 3000.0))
        return waited((predicted + 10) * bias * chance.lognormvariate(0, 0.7), predicted=predicted)

    def one(chance: random.Random) -> tuple[Span, float]:
        past = [job(chance) for _ in range(30)]
        new = job(chance)
        return interval(past, NEED, ahead=0, predicted=new.predicted), new.seconds

    assert 0.77 <= kept(1200, one) <= 0.88


def test_impatience_does_not_make_a_queue_look_short() -> None:
    """A third would leave before the end; left out, they would hide the long waits."""

    def past(chance: random.Random) -> list[Wait]:
        found = []
        for _ in range(60):
            real, patience = chance.expovariate(1 / 300), chance.expovariate(1 / 600)
            found.append(waited(min(real, patience), started=real <= patience))
        return found

    def honest(chance: random.Random) -> tuple[Span, float]:
        return interval(past(chance), NEED, ahead=0), chance.expovariate(1 / 300)

    def silent(chance: random.Random) -> tuple[Span, float]:
        ended = [wait for wait in past(chance) if wait.started]
        return interval(ended, NEED, ahead=0), chance.expovariate(1 / 300)

    assert 0.76 <= kept(1200, honest) <= 0.88
    assert kept(1200, silent) < 0.76


seen = st.builds(
    Wait,
    seconds=st.floats(0, 1e6),
    cores=st.integers(1, 64),
    minutes=st.integers(1, 600),
    at=st.just(0.0),
    predicted=st.none() | st.floats(0, 1e6),
    ahead=st.none() | st.integers(0, 40),
    started=st.booleans(),
)


@given(
    st.lists(seen, max_size=80), st.none() | st.integers(0, 40), st.none() | st.floats(0, 1e6), st.randoms()
)
def test_an_interval_is_in_order_and_does_not_depend_on_the_order(
    past: Sequence[Wait], ahead: int | None, predicted: float | None, chance: random.Random
) -> None:
    span = interval(past, NEED, ahead=ahead, predicted=predicted)
    assert 0 <= span.low <= span.high
    assert span.starts <= len(past)
    assert span.sure == (span.starts >= ENOUGH)
    shuffled = list(past)
    chance.shuffle(shuffled)
    if len(past) <= 60:
        assert interval(shuffled, NEED, ahead=ahead, predicted=predicted) == span


@given(st.lists(st.floats(0, 1e6), min_size=ENOUGH, max_size=59))
def test_of_what_was_seen_eight_of_ten_are_within(seconds: list[float]) -> None:
    span = interval(waits(*seconds), NEED, ahead=0)
    inside = sum(span.low <= one <= span.high for one in seconds)
    assert inside >= 0.8 * len(seconds)
