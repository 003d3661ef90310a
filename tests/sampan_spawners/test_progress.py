"""Progress never goes back, and 100 is the hub's word."""

import pytest

from sampan.messages import Message
from sampan_spawners.progress import Progress

pytestmark = pytest.mark.fast


def event(progress: int, **more: object) -> dict[str, object]:
    message = Message("launch.ready", {"centre": "<b>East"}).to_json()
    return {"progress": progress, "message": message, "at": 5.0, "stage": "placed", "id": 3, **more}


def test_a_second_attempt_does_not_take_it_back() -> None:
    told = Progress()
    shown = [told.of(event(progress))["progress"] for progress in (10, 55, 10, 30, 80)]
    assert shown == [10, 55, 55, 55, 80]


def test_the_last_of_it_is_the_hubs() -> None:
    assert Progress().of(event(100))["progress"] == 99


def test_an_event_keeps_its_number_and_time_and_is_escaped() -> None:
    told = Progress().of(event(10))
    assert (told["id"], told["at"], told["stage"]) == (3, 5.0, "placed")
    assert told["message"].startswith("Ready at <b>East.")
    assert "<b>" not in told["html_message"]
    assert 'lang="zh"' in told["html_message"]


def test_a_message_without_an_event_moves_nothing() -> None:
    told = Progress()
    told.of(event(55))
    assert told.saying(Message("hub.asking"))["progress"] == 55
