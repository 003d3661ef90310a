"""Both languages, everything escaped."""

import pytest

from sampan.messages import Message
from sampan_spawners.fragments import both, plain, render

pytestmark = pytest.mark.fast

HOSTILE = '<img src=x onerror="alert(1)">{{7*7}}'


def test_a_message_is_two_spans() -> None:
    said = both(Message("launch.ready", {"centre": "East"}))
    assert said == '<span lang="en">Ready at East.</span><span lang="zh">已就绪：East。</span>'


def test_what_comes_from_outside_is_escaped_and_no_template() -> None:
    for text in (Message("launch.ready", {"centre": HOSTILE}), {"en": HOSTILE, "zh": HOSTILE}):
        said = both(text)
        assert "<img" not in said
        assert "&lt;img" in said
        assert "{{7*7}}" in said


def test_a_newer_broker_brings_its_sentences_along() -> None:
    assert plain({"code": "new.code", "params": {}, "en": "New.", "zh": "新。"}) == "New. 新。"


@pytest.mark.parametrize(
    ("names", "shown"),
    [({"en": "East"}, "East"), ({"zh": "东"}, "东"), ({"code": "x.y"}, "x.y"), ({"en": "A", "zh": "A"}, "A")],
)
def test_a_missing_language_is_filled_from_the_other(names: dict[str, str], shown: str) -> None:
    assert plain(names) == shown


def test_a_fragment_is_rendered_with_its_values_escaped() -> None:
    html = render("problem.html", problem={"en": HOSTILE, "zh": "坏"}, retry=True)
    assert "<img" not in html
    assert 'role="alert"' in html
