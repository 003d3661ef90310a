"""What is found, and in which order: measured by looking through everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from sampan_hub.catalogue.index import REASONS, SearchIndex, Seeker, Texts
from sampan_hub.catalogue.question import read
from sampan_hub.catalogue.words import normal, runs, sounds, tokens

CHINESE = "气温月平均海洋冰"
WORDS = ("tas", "tasmax", "monthly", "mon", "sea", "2m", "no2", "a")


def entry(number: int, title: str, rest: str = "", **more: Any) -> Texts:
    facets = {"kind": ("dataset",), "centre": ("east",), **more.pop("facets", {})}
    return Texts(number, (title,), (rest,), facets, tuple(more.pop("readers", ("*",))), **more)


def found(index: SearchIndex, text: str) -> set[int]:
    return {number for number, _ in index.search(text, limit=1000).hits}


def has(text: str, question: str) -> bool:
    """The truth: Chinese as it is written, words as words, the last of them as its beginning."""
    asked = list(runs(question))
    words = [run.text for run in runs(text) if not run.dense]
    for at, run in enumerate(asked):
        if run.dense and run.text not in normal(text):
            return False
        if not run.dense and run.text not in words:
            last = at == len(asked) - 1
            if not (last and any(word.startswith(run.text) for word in words)):
                return False
    return bool(asked)


chinese = some.text(CHINESE, min_size=1, max_size=6)
word = some.sampled_from(WORDS)
written = some.lists(chinese | word, min_size=1, max_size=5).map(" ".join) | some.tuples(chinese, word).map(
    "".join
)


@settings(max_examples=150, deadline=None)
@given(some.lists(written, min_size=1, max_size=12), chinese | word | written)
def test_nothing_that_holds_it_is_missed(texts: list[str], question: str) -> None:
    index = SearchIndex()
    index.write(entry(number, text) for number, text in enumerate(texts))
    truth = {number for number, text in enumerate(texts) if has(text, question)}
    got = found(index, question)
    assert truth <= got
    widened = any(term.same or term.parts for term in read(question))
    latin = any(not run.dense for run in runs(question))
    if not widened and not latin:
        assert got == truth, "nor is anything found that does not"


def test_a_phrase_ends_where_its_text_ends() -> None:
    index = SearchIndex()
    index.write([Texts(1, ("海气", "温度"), ("月 平均",), {}, ("*",)), entry(2, "月平均海气温度")])
    assert found(index, "气温") == {2} == found(index, "月平")
    assert found(index, "温度") == {1, 2}


def test_one_meaning_in_other_words() -> None:
    index = SearchIndex()
    index.write(
        [entry(1, "全国气温"), entry(2, "Air temperature, monthly"), entry(3, "tas"), entry(4, "air quality")]
    )
    for question in ("气温", "air temperature", "TAS", "ｔａｓ"):
        assert found(index, question) == {1, 2, 3}, question
    assert found(index, "气温逐月") == {2}, "cut around what is known"
    assert found(index, "qiwen") == {1} == found(index, "qw") == found(index, "qiwe")


def test_the_rank_is_a_tuple_that_can_be_told() -> None:
    index = SearchIndex()
    elsewhere = {"centre": ("west",)}
    index.write(
        [
            entry(1, "x", "ice", used=True),
            entry(2, "ice", readers=("group:a",), facets=elsewhere),
            entry(3, "ice", facets=elsewhere),
            entry(4, "ice", readers=("group:a",), used=True, verified=True),
            entry(5, "ice"),
        ]
    )
    hits = index.search("ice", Seeker(("*",), "east")).hits
    assert hits == (
        (4, ("title", "verified", "here", "used")),
        (5, ("title", "readable", "here")),
        (3, ("title", "readable")),
        (2, ("title",)),
        (1, ("readable", "here", "used")),
    )
    assert index.search("ice", Seeker(("*", "group:a"), "east")).hits[0] == (4, tuple(REASONS))


def test_facets_prune_each_other_and_not_themselves() -> None:
    index = SearchIndex()
    index.write(
        [
            entry(1, "ice", facets={"kind": ("dataset",), "centre": ("east", "west")}),
            entry(2, "ice", facets={"kind": ("model",), "centre": ("west",)}),
            entry(3, "sand", facets={"kind": ("software",), "centre": ("east",)}),
            entry(4, "ice", facets={"kind": ("notebook",), "centre": ("*",)}),
        ]
    )
    all_ = index.search("ice", counted=True)
    assert (all_.total, all_.facets["kind"]) == (3, {"dataset": 1, "model": 1, "notebook": 1})
    east = index.search("ice", chosen={"centre": ["east"]}, counted=True)
    assert {number for number, _ in east.hits} == {1, 4}, "what is in every environment is at every centre"
    assert east.facets["kind"] == {"dataset": 1, "notebook": 1}
    assert east.facets["centre"] == {"east": 1, "west": 2, "*": 1}
    both = index.search("", chosen={"centre": ["east"], "kind": ["dataset", "software"]}, counted=True)
    assert {number for number, _ in both.hits} == {1, 3}
    assert both.facets["kind"] == {"dataset": 1, "software": 1, "notebook": 1}


def test_what_is_written_again_stands_once_and_is_there_after_a_restart(tmp_path: Path) -> None:
    index = SearchIndex(tmp_path / "index")
    index.write([entry(1, "ice"), entry(2, "sand")])
    index.write([entry(1, "sand")], gone=[2])
    index.close()
    again = SearchIndex(tmp_path / "index")
    assert (found(again, "ice"), found(again, "sand")) == (set(), {1})
    again.write([entry(3, "ice")], empty=True)
    assert (found(again, "ice"), found(again, "sand")) == ({3}, set())


@pytest.mark.parametrize(
    "question", ["", "  ", "!?", "*", 'a" OR title:b', ".*", "气" * 500, "a " * 500, "\x00", "'"]
)
def test_any_text_is_a_question(question: str) -> None:
    index = SearchIndex()
    index.write([entry(1, "气温 a")])
    index.search(question, counted=True)


def test_words_are_the_same_on_both_sides() -> None:
    assert tokens(["ＴＡＳ 气温数据, sea_ice"]) == ["tas", "气温", "温数", "数据", "据", "sea", "ice"]
    assert {"qiwen", "qw", "qiwenshuju"} <= sounds(["气温数据"])
