"""A failed start says why, what was tried, how the log ends and what to do; on every way JupyterHub may tell it."""

import pytest
from jupyterhub.utils import format_exception

from sampan.errors import Invalid
from sampan.messages import Message
from sampan_spawners.failure import failed, refused

pytestmark = pytest.mark.fast

LAUNCH = {
    "id": "abcd",
    "cause": Message("ended.failed", {"code": 127}).to_json(),
    "log_tail": "line 3: <script>alert(1)</script>\n{{7*7}}",
    "attempts": [
        {"centre": "east", "names": {"en": "East<", "zh": "东"}, "cause": Message("ended.node").to_json()},
        {"centre": "west", "names": {"en": "West", "zh": "西"}, "cause": None},
    ],
}


def test_both_of_jupyterhubs_ways_tell_it() -> None:
    failure = failed(LAUNCH)
    message, html = format_exception(failure, only_jupyterhub=True)
    assert message == failure.message == "The job ended with exit code 127. 任务异常结束，退出码 127。"
    assert html == failure.message_html
    assert failure.status_code == 424
    assert failure.reason == "ended_failed"


def test_it_shows_what_was_tried_and_the_log_escaped() -> None:
    html = failed(LAUNCH).message_html
    assert "East&lt;" in html
    assert "The machine it ran on failed." in html
    assert "West" not in html
    assert "<script>" not in html
    assert "line 3: &lt;script&gt;" in html
    assert "{{7*7}}" in html
    assert "What you can do" in html
    assert "您可以" in html


def test_a_launch_without_a_cause_still_says_something() -> None:
    assert (
        failed({"id": "abcd", "message": None, "cause": None, "attempts": []}).message == "Stopped. 已停止。"
    )


def test_a_refusal_keeps_its_status_and_names_the_field() -> None:
    error = Invalid("need.not_a_number", cause="x", field="cores", expected="1-64", value="<b>")
    failure = refused(error)
    assert failure.status_code == 400
    assert failure.reason == "need_not_a_number"
    assert "“cores” must be 1-64; &lt;b&gt; is not." in failure.message_html
    assert "[x]" in failure.log_message
