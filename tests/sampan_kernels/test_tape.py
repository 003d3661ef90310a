"""What was published is kept in its order, sent once, and again where it may have been lost; never more than there is room for."""

from __future__ import annotations

import random

import pytest

from sampan_kernels import seen
from sampan_kernels.tape import LEAST, ROOM, Tape

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


def filled(count: int, room: int = ROOM) -> Tape:
    tape = Tape(room)
    for frames in numbered(*range(count)):
        tape.add(frames)
    return tape


def test_what_nobody_heard_is_sent_to_whoever_comes() -> None:
    tape = filled(5)
    assert play(tape) == [0, 1, 2, 3, 4]
    assert play(tape) == []


def test_after_a_loss_it_begins_with_the_oldest_there_is() -> None:
    tape = filled(5)
    assert play(tape, 3) == [0, 1, 2]
    tape.rewind()
    assert play(tape, 1) == [0]
    tape.rewind()
    assert play(tape) == [0, 1, 2, 3, 4], "in its order, also when lost again in the middle"


def test_all_that_there_is_room_for_is_kept_also_when_it_was_sent() -> None:
    tape = filled(100, room=70 * LEAST)
    assert play(tape, 50) == list(range(30, 80))
    for frames in numbered(*range(100, 110)):
        tape.add(frames)
    tape.rewind()
    assert play(tape) == list(range(40, 110))


def test_sixty_four_megabytes_that_were_sent_are_sent_again() -> None:
    tape = Tape()
    for number in range(70):
        tape.add([b"%d" % number, bytes(2**20 - 200)])
        play(tape)
    tape.rewind()
    assert play(tape) == list(range(6, 70))


def test_whoever_hears_it_again_can_know_every_message_by_its_id() -> None:
    tape = filled(seen.ROOM)
    assert len(play(tape)) <= seen.ROOM // 2, "the other half is for what a relay remembers beside"


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
    chance, tape = random.Random(seed), Tape()
    made, heard = 0, set[int]()
    for _ in range(500):
        what = chance.randrange(3)
        if what == 0:
            tape.add(numbered(made)[0])
            made += 1
        elif what == 1:
            heard.update(play(tape, 1))
        elif chance.random() < 0.1:
            heard.clear()  # whoever heard it is lost
            tape.rewind()
    rest = play(tape)
    assert rest == sorted(rest)
    assert heard | set(rest) == set(range(made))
