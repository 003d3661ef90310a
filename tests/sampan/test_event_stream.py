from __future__ import annotations

from typing import Any

import pytest

from sampan.errors import Missing, Unavailable, Unreachable
from sampan.event_stream import EventStream

pytestmark = pytest.mark.fast


def read(stream: EventStream, text: str) -> list[dict[str, Any]]:
    fed = [stream.feed(line) for line in text.split("\n")]
    return [event for event in fed if event is not None]


def test_events_are_completed_by_an_empty_line() -> None:
    stream = EventStream()
    text = ': hello\n\nid: 4\nevent: step\ndata: {"stage":\ndata:"queued"}\nretry: 10\n\ndata: {"a": 1}\n\n'
    assert read(stream, text) == [{"stage": "queued", "id": 4}, {"a": 1}]
    assert stream.headers() == {"Last-Event-ID": "4"}


def test_half_an_event_is_forgotten_with_its_connection() -> None:
    stream = EventStream(after=2)
    assert read(stream, 'id: 3\ndata: {"half": ') == []
    stream.opened()
    assert stream.headers() == {"Last-Event-ID": "2"}
    assert read(stream, 'id: 3\ndata: {"whole": 1}\n\n') == [{"whole": 1, "id": 3}]


def test_the_end_is_told_and_ready_is_not_the_end() -> None:
    stream = EventStream()
    read(stream, 'data: {"final": "ready"}\n\n')
    assert not stream.ended
    read(stream, 'data: {"final": "ended"}\n\n')
    assert stream.ended


@pytest.mark.parametrize("data", ["no json", "[1]", '"text"'])
def test_what_is_no_event_is_no_answer(data: str) -> None:
    with pytest.raises(Unavailable):
        read(EventStream(), f"data: {data}\n\n")


def test_waits_grow_to_a_limit_and_start_again_with_the_next_event() -> None:
    stream = EventStream()
    waits = [stream.broken(Unreachable("broker.unreachable")) for _ in range(8)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (0.1, 2.0)
    read(stream, "data: {}\n\n")
    assert stream.broken(Unreachable("broker.unreachable")) == 0.1


def test_what_stays_wrong_is_raised() -> None:
    away, wrong = Unreachable("broker.unreachable"), Unavailable("broker.no_answer", url="u", status=404)
    with pytest.raises(Missing):
        EventStream().broken(Missing("launch.unknown_id", launch="a"))
    with pytest.raises(Unreachable):
        EventStream(reconnect=False).broken(away)
    fresh = EventStream()
    with pytest.raises(Unavailable):
        fresh.broken(wrong)
    fresh.opened()
    assert fresh.broken(wrong) > 0
