"""Spans of time in words: rounded outwards, in few steps, in both languages."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.messages import LANGUAGES
from sampan_hub.spans import Span, amount

pytestmark = pytest.mark.fast


def said(low: float, high: float, starts: int = 20, *, sure: bool = True) -> tuple[str, str]:
    message = Span(low, high, starts, sure=sure).say()
    return message.say("en"), message.say("zh")


@pytest.mark.parametrize(
    ("low", "high", "english", "chinese"),
    [
        (61.0, 239.0, "Usually starts within 1–4 min.", "通常在 1–4 分钟内启动。"),
        (0.4, 3.0, "Usually starts within 5 s.", "通常在 5 秒内启动。"),
        (21.0, 200.0, "Usually starts within 20 s to 4 min.", "通常在 20 秒至 4 分钟内启动。"),
        (5000.0, 9000.0, "Usually starts within 1–3 h.", "通常在 1–3 小时内启动。"),
        (30.0, 30.0, "Usually starts within 30 s.", "通常在 30 秒内启动。"),
        (90000.0, 1e6, "Usually starts within 1–14 d.", "通常在 1–14 天内启动。"),
        (3700.0, math.inf, "A start here usually takes 1 h or longer.", "在这里启动通常需要 1 小时以上。"),
        (0.0, math.inf, "How long a start takes here is not known yet.", "尚不清楚在这里启动需要多久。"),
    ],
)
def test_what_is_said_of_a_sure_span(low: float, high: float, english: str, chinese: str) -> None:
    assert said(low, high) == (english, chinese)


def test_few_starts_are_told_as_few() -> None:
    assert said(2.0, 40.0, 3, sure=False)[0] == "So far 3 starts here took 2–45 s."
    assert said(7.0, 7.0, 1, sure=False)[0] == "The only start here so far took 5–10 s."
    assert said(2.0, math.inf, 2, sure=False)[1] == "到目前为止有 2 次启动，用时 2 秒以上。"
    assert said(0.0, math.inf, 0, sure=False)[0] == "How long a start takes here is not known yet."
    assert Span(2.0, 40.0, 3, sure=False).short().say("en") == "2–45 s (3 so far)"
    assert Span(0.0, math.inf, 0, sure=False).short().say("zh") == "尚不清楚"


def test_a_plan_without_experience_is_told_as_that() -> None:
    span = Span(0.0, math.inf, 0, sure=False, plan=7000.0)
    assert span.say().say("en") == "How good its plans are is not known yet."
    assert span.short().say("zh") == "按排程约 2 小时"
    assert Span(2.0, 40.0, 3, sure=False, plan=7000.0).say().code == "wait.few"


def test_about_an_amount() -> None:
    told = [
        (0, "1 s"),
        (13, "15 s"),
        (50, "45 s"),
        (59, "1 min"),
        (400, "7 min"),
        (5000, "1.5 h"),
        (1e7, "116 d"),
    ]
    assert [(seconds, amount(seconds).say("en")) for seconds, _ in told] == told


def test_as_json() -> None:
    told = Span(61.0, math.inf, 12, sure=True).to_json()
    assert (told["low"], told["high"], told["starts"], told["sure"]) == (60.0, None, 12, True)
    assert told["words"]["en"] == "A start here usually takes 1 min or longer."
    assert told["short"]["zh"] == "1 分钟以上"


@given(st.floats(0, 1e7), st.floats(0, 1e7))
def test_no_more_is_promised_than_is_known(one: float, other: float) -> None:
    low, high = sorted((one, other))
    span = Span(low, high, 20, sure=True)
    told = span.to_json()
    assert told["low"] <= low
    assert told["high"] >= high
    assert low <= span.clip(one) <= high
    for language in LANGUAGES:
        assert span.say().say(language)
        assert "{" not in span.say().say(language)
