from __future__ import annotations

import pytest

from sampan.tables import clean, table, width

pytestmark = pytest.mark.fast


def test_columns_align_also_where_characters_are_wide() -> None:
    text = table(["编号", "NAME"], [["a", "东部"], ["very-long", "x"]])
    lines = text.splitlines()
    assert [
        width(line[: line.index(end)]) for line, end in zip(lines, ("NAME", "东部", "x"), strict=True)
    ] == [11, 11, 11]
    assert all(line == line.rstrip() for line in lines)


def test_numbers_stand_to_the_right() -> None:
    assert table(["FREE", "Q"], [["6/8", "a"], ["?/8", "b"]]).splitlines()[1:] == [" 6/8  a", "?/8   b"]


def test_nothing_that_a_terminal_would_obey() -> None:
    assert clean("a\x1b[31mred\x07\nb\u202ec\u0301\u200d笔") == "a[31mred bc\u0301笔"
