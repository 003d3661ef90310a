from __future__ import annotations

import re
from typing import Any

import pytest

from sampan_hub.plain_yaml import load


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("on", "on"),
        ("22:22", "22:22"),
        ("2026-01-01", "2026-01-01"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("010", 10),
        ("-3", -3),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("true", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("<<", "<<"),
        ("1: a", {"1": "a"}),
        ("a: [b, {c: 中文}]", {"a": ["b", {"c": "中文"}]}),
    ],
)
def test_each_line_means_one_thing(text: str, value: Any) -> None:
    assert load(text) == value
    assert type(load(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: 1\nb: 2\na: 3", "the key 'a' stands twice, line 3"),
        ("a: {b: 1, b: 2}", "the key 'b' stands twice, line 1"),
        ("a: &x [1]\nb: *x", "an alias (*); write the value out, line 2"),
        ("a: &x 1\n<<: *x", "an alias"),
        ("[a]: 1", "a key that is no text, line 1"),
        ("[" * 50 + "]" * 50, "too deep"),
        ("[" * 100_000, "too deep"),
        ("a: [1", "line 1"),
        ("a: b: c", "mapping values are not allowed here, line 1"),
        ("a: 1\n---\nb: 2", "expected a single document"),
        ("a: !!python/object/apply:os.system [id]", "could not determine a constructor"),
        ("a: \x00", "special characters"),
        ("%YAML 9.9", "line 1"),
    ],
)
def test_what_has_another_meaning_or_none_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        load(text)
