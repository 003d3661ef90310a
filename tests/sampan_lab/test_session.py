"""What a page is told: from the job's environment alone, and with what the broker says of the launch."""

from __future__ import annotations

from typing import Any

import pytest

from sampan_lab.session import session
from tools.shapes import LAB, files

pytestmark = pytest.mark.fast

JOB = {
    "SAMPAN_LAUNCH": "abcd1234",
    "SAMPAN_TAG": "sampan-h-abcd1234-1",
    "SAMPAN_CENTRE": "east",
    "SAMPAN_CENTRE_EN": "East",
    "SAMPAN_CENTRE_ZH": "东部中心",
    "SAMPAN_DEADLINE": "4600",
    "SAMPAN_MINUTES": "60",
}
SAID = {"code": "launch.unreachable", "params": {}, "en": "East has not been reachable.", "zh": "无法连接。"}


def test_without_the_broker_the_job_itself_tells() -> None:
    told = session(JOB, 1000, None)
    assert (told.names.en, told.names.zh, told.seconds_left, told.seen) == ("East", "东部中心", 3600, "alive")
    assert (told.asked, told.may_move_on, told.moving, told.said) == (False, False, None, None)
    assert (told.minutes, told.most_minutes, told.end_key) == (60, None, None)


def test_how_long_the_next_one_may_be_and_what_shows_the_end_are_the_broker_s_to_tell() -> None:
    told = session(JOB, 1000, {"most_minutes": 1440, "end_key": "k"})
    assert (told.most_minutes, told.end_key) == (1440, "k")


def test_an_end_that_has_passed_is_no_negative_time() -> None:
    assert session(JOB, 9000, None).seconds_left == 0
    assert session({**JOB, "SAMPAN_DEADLINE": ""}, 9000, None).seconds_left is None


@pytest.mark.parametrize(
    ("minutes", "warning"), [("600", 600), ("60", 600), ("10", 120), ("2", 120), ("", 600)]
)
def test_the_warning_fits_the_length(minutes: str, warning: float) -> None:
    assert session({**JOB, "SAMPAN_MINUTES": minutes}, 0, None).warn_seconds == warning


def test_a_silent_centre_is_told_with_its_beginning() -> None:
    told = session(JOB, 1000, {"seen": "unreachable", "seen_since": 900.0, "message": SAID})
    assert (told.seen, told.seen_since, told.asked) == ("unreachable", 900.0, True)
    assert told.said is not None
    assert told.said.zh == "无法连接。"


def test_who_answers_has_not_ended() -> None:
    """The broker may have read the last line of a job before its server has gone."""
    assert session(JOB, 1000, {"seen": "ended", "message": SAID}).seen == "alive"


def test_an_attempt_that_waits_to_take_over_is_told() -> None:
    attempts: list[dict[str, Any]] = [{"rival": False, "stage": "ready"}, {"rival": True, "stage": "queued"}]
    told = session(JOB, 1000, {"seen": "alive", "message": SAID, "attempts": attempts, "may_move_on": False})
    assert told.moving is not None
    attempts[1]["stage"] = "ended"
    assert session(JOB, 1000, {"seen": "alive", "message": SAID, "attempts": attempts}).moving is None


@pytest.mark.parametrize("name", files())
def test_the_shapes_of_the_page_are_current(name: str) -> None:
    assert (LAB / name).read_text(encoding="utf-8") == files()[name], "run: python -m tools.shapes"
