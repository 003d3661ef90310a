"""The words for an offer."""

from __future__ import annotations

import pytest

from sampan_hub.reasons import in_line

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    ("ahead", "forecast", "english", "chinese"),
    [
        (3, None, "No room right now; 3 ahead of you. It will start by itself.", "前面还有 3 个等待者"),
        (0, None, "No room right now; you are next. It will start by itself.", "下一个就是您"),
        (None, None, "No room right now. It will start by itself.", "目前没有空位，轮到时"),
        (
            3,
            110.0,
            "No room right now; 3 ahead of you. By its own plan it starts in about 2 min.",
            "约 2 分钟后启动",
        ),
        (0, 5.0, "No room right now; you are next. By its own plan it starts in about 5 s.", "约 5 秒后启动"),
        (None, 9000.0, "No room right now. By its own plan it starts in about 3 h.", "约 3 小时后启动"),
    ],
)
def test_a_line_and_what_is_expected_of_it(
    ahead: int | None, forecast: float | None, english: str, chinese: str
) -> None:
    said = in_line(ahead, forecast)
    assert said.say("en") == english
    assert chinese in said.say("zh")
