"""Whether a cluster's object is still there: a connection that ends tells, and nothing that only lasts."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from sampan_hub.rosters import Roster

pytestmark = pytest.mark.fast


def link() -> Any:
    """As far as a roster looks at one."""
    return SimpleNamespace(closed=asyncio.Event())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_who_listens_is_there_however_long_nothing_is_said(clock: list[float]) -> None:
    roster = Roster()
    with roster.listener():
        clock[0] += 1e6
        assert roster.listens
        assert not roster.gone
    clock[0] += 19
    assert not roster.gone, "it may come back"
    clock[0] += 2
    assert roster.gone


def test_a_broker_that_has_just_come_back_waits_for_longer(clock: list[float]) -> None:
    roster = Roster()
    clock[0] += 299
    assert not roster.gone
    clock[0] += 2
    assert roster.gone


def test_two_connections_are_one_object(clock: list[float]) -> None:
    """The way was lost, and made anew before the broker had heard of the loss."""
    roster = Roster()
    with roster.listener():
        with roster.listener():
            pass
        clock[0] += 60
        assert roster.listens
        assert not roster.gone


def test_a_link_that_was_lost_is_no_kernel_that_is_gone(clock: list[float]) -> None:
    """However short that was: the connection went with it, and a busy kernel needs a while to make it anew."""
    roster, way, gone = Roster(), link(), []
    with roster.listener(way):
        pass
    clock[0] += 21
    gone.append(roster.gone)
    with roster.listener(way):
        way.closed.set()
    clock[0] += 299
    gone.append(roster.gone)
    clock[0] += 2
    gone.append(roster.gone)
    with roster.listener(link()):
        gone.append(roster.gone)
    clock[0] += 21
    gone.append(roster.gone)
    # Hung up; cut; cut for too long; back; hung up on the new link.
    assert gone == [True, False, True, False, True]


def test_while_the_way_is_cut_nobody_can_tell(clock: list[float]) -> None:
    roster = Roster()
    with roster.listener():
        pass
    clock[0] += 15
    roster.doubt()
    clock[0] += 15
    assert not roster.gone


def test_a_wish_is_taken_once_and_answers_are_not_kept_for_ever() -> None:
    roster = Roster()
    roster.ask_for({"workers": 3})
    assert roster.news.is_set()
    assert roster.take() == {"workers": 3}
    assert roster.take() is None
    for number in range(100):
        roster.remember(str(number), {})
    assert list(roster.answers) == [str(number) for number in range(36, 100)]
