"""What was published is kept in its order, sent once, and again where it may have been lost; never more than there is room for."""

from __future__ import annotations

import random

import pytest

from sampan_kernels.tape import Tape

pytestmark = pytest.mark.fast


def numbered(*numbers: int, size: int = 10) -> list[list[bytes]]:
    return [[b"%d" % number, bytes(size)] for number in numbers]


def play(tape: Tape, most: int = 10**9) -> list[int]:
    """What it sends now."""
    said: list[int] = []
    while len(said) < most and (frames := tape.look()) is not None:
        tape.take()
        said.append(int(frames[0]))
    return said


def filled(count: int, **bounds: int) -> Tape:
    tape = Tape(**bounds)
    for frames in numbered(*range(count)):
        tape.add(frames)
    return tape


def test_what_nobody_heard_is_sent_to_whoever_comes() -> None:
    tape = filled(5)
    assert play(tape) == [0, 1, 2, 3, 4]
    assert play(tape) == []


def test_after_a_loss_it_begins_before_what_was_not_sent() -> None:
    tape = filled(5)
    assert play(tape, 3) == [0, 1, 2]
    tape.rewind()
    assert play(tape, 1) == [0]
    tape.rewind()
    assert play(tape) == [0, 1, 2, 3, 4], "in its order, also when lost again in the middle"


def test_of_what_was_sent_a_part_is_kept() -> None:
    tape = filled(100, again=0, few=7)
    play(tape, 50)
    tape.rewind()
    assert play(tape) == list(range(43, 100))
    tape = filled(100, many=20)
    play(tape, 50)
    tape.rewind()
    assert play(tape) == list(range(30, 100))


def test_the_oldest_goes_when_there_is_no_room() -> None:
    tape = Tape(room=10_000)
    for frames in numbered(*range(100), size=1000):
        tape.add(frames)
    assert play(tape) == list(range(92, 100))
    [large] = numbered(7, size=50_000)
    tape.add(large)
    assert play(tape) == [7], "one that is larger than all is sent all the same"


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_nothing_that_fits_is_lost_or_out_of_order(seed: int) -> None:
    chance, tape = random.Random(seed), Tape(again=0, few=5)
    made, heard, on_the_way = 0, set[int](), list[int]()
    for _ in range(500):
        what = chance.randrange(4)
        if what == 0:
            tape.add(numbered(made)[0])
            made += 1
        elif what == 1 and len(on_the_way) < 5:
            on_the_way += play(tape, 1)
        elif what == 2 and on_the_way:
            heard.add(on_the_way.pop(0))
        elif chance.random() < 0.1:
            on_the_way.clear()
            tape.rewind()
    rest = play(tape)
    assert rest == sorted(rest)
    assert heard | set(on_the_way) | set(rest) == set(range(made))
