from __future__ import annotations

import itertools
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan_hub.admission import Admission, Ticket, Turn

_numbers = itertools.count(1)


def ticket(owner: str, group: str | None = None, since: float | None = None) -> Ticket:
    number = next(_numbers)
    return Ticket(f"t{number}", owner, group or owner, float(number) if since is None else since)


def turn(place: int, seconds: float) -> Turn:
    return Turn(place, cast("float", pytest.approx(seconds)))


def order(admission: Admission, *tickets: Ticket, now: float = 100.0, every: float = 1.0) -> list[str]:
    """Whose turn it is, one after another, when all ask all the time."""
    waiting, found = list(tickets), []
    for _ in range(10_000):
        for one in list(waiting):
            if admission.ask(one, now) is None:
                waiting.remove(one)
                found.append(one.owner)
        if not waiting:
            return found
        now += every
    raise AssertionError(f"{len(waiting)} wait for ever")


def test_whoever_comes_to_an_empty_line_does_not_wait() -> None:
    admission = Admission(60, 3)
    assert [admission.ask(ticket("ann"), 1.0) for _ in range(3)] == [None, None, None]
    assert admission.ask(ticket("ann"), 1.0) == turn(1, 1.0)
    assert len(admission) == 1


def test_a_place_and_how_long_it_takes() -> None:
    """Sixty a minute, none saved up: the third is admitted in three seconds, and comes nearer while it waits."""
    admission = Admission(60, 1)
    assert admission.ask(ticket("ann"), 100.0) is None
    three = [ticket(name) for name in ("bob", "carol", "dave")]
    turns = [admission.ask(one, 100.0) for one in three]
    assert turns == [turn(place, place) for place in (1, 2, 3)]
    assert admission.ask(three[0], 101.0) is None
    assert admission.ask(three[2], 101.0) == turn(2, 2.0)


def test_tokens_are_saved_up_to_a_number() -> None:
    admission = Admission(60, 2)
    for now in (100.0, 5000.0):
        assert [admission.ask(ticket("ann"), now) is None for _ in range(3)] == [True, True, False]


def test_one_person_with_many_lets_others_pass() -> None:
    admission = Admission(60, 1)
    many = [ticket("ann") for _ in range(4)]
    assert order(admission, *many, ticket("bob")) == ["ann", "ann", "bob", "ann", "ann"]


def test_a_class_is_one_group_and_whoever_comes_alone_is_another() -> None:
    admission = Admission(60, 1)
    pupils = [ticket(f"pupil{number}", "class") for number in range(5)]
    found = order(admission, *pupils, ticket("ann"), ticket("bob"))
    assert found == ["pupil0", "pupil1", "ann", "bob", "pupil2", "pupil3", "pupil4"]


def test_two_groups_take_turns_also_when_one_was_there_long_before() -> None:
    """Whoever comes later is owed nothing for the time before, and neither are the others."""
    admission = Admission(60, 1)
    first = [ticket(f"a{number}", "a", since=float(number)) for number in range(6)]
    now = 100.0
    for one in first:
        admission.ask(one, now)
    admitted: list[Ticket] = []
    for _ in range(3):
        now += 1
        admitted += [one for one in first if one not in admitted and admission.ask(one, now) is None]
    later = [ticket(f"b{number}", "b", since=now + number) for number in range(3)]
    rest = [one for one in first if one not in admitted]
    found = order(admission, *rest, *later, now=now)
    assert [name[0] for name in found[:5]] in (list("ababa"), list("babab")), found


def test_whoever_leaves_or_does_not_come_back_keeps_nobody_waiting() -> None:
    admission = Admission(60, 1)
    assert admission.ask(ticket("ann"), 100.0) is None
    gone, left, stays = ticket("bob"), ticket("carol"), ticket("dave")
    assert [admission.ask(one, 100.0) for one in (gone, left, stays)][2] == turn(3, 3.0)
    admission.leave(left.key)
    assert admission.ask(stays, 100.2) == turn(2, 1.8)
    assert admission.ask(stays, 100.5 + 60.0) is None
    assert len(admission) == 0
    admission.leave("nobody")


def test_a_clock_that_stands_still_or_goes_back_makes_no_tokens() -> None:
    admission = Admission(60, 1)
    assert admission.ask(ticket("ann"), 100.0) is None
    one = ticket("bob")
    assert admission.ask(one, 100.0) is not None
    assert admission.ask(one, 50.0) is not None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), min_size=1, max_size=30))
def test_everybody_is_admitted_and_places_are_all_different(crowd: list[tuple[str, str]]) -> None:
    admission = Admission(60, 2)
    tickets = [ticket(owner, group) for owner, group in crowd]
    waiting = [one for one in tickets if admission.ask(one, 100.0) is not None]
    assert len(waiting) == max(0, len(crowd) - 2)
    # Whoever comes may pass somebody by, who hears of it at the next look.
    turns = [admission.ask(one, 100.0) for one in waiting]
    assert sorted(told.place for told in turns if told) == list(range(1, len(waiting) + 1))
    assert len(order(admission, *waiting)) == len(waiting)
