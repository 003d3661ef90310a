"""How text becomes words, the same for what is kept and for what is asked. Pure.

A language that is written without spaces is cut into overlapping pairs of characters: a question of two or more is found
wherever it stands as it is written, and nowhere else.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["VERSION", "Run", "chars", "normal", "runs", "sound", "sounds", "starts", "tokens"]

VERSION: Final = 3
"""Of what an index holds: one that was made by another version is made anew."""
SHORT: Final = 3
"""Beginnings of words up to this length are kept as words of their own."""
_SOUNDED: Final = 4
"""Characters whose sounds are written together, as people type them."""
# Han with its extensions, kana and Hangul: https://www.unicode.org/Public/UCD/latest/ucd/Scripts.txt
_DENSE: Final = "\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U000323af"
_RUN: Final = re.compile(rf"([{_DENSE}]+)|([^\W_{_DENSE}]+)")


@dataclass(frozen=True, slots=True)
class Run:
    """A word, or a row of characters that are written without spaces (`dense`)."""

    text: str
    dense: bool


def normal(text: str) -> str:
    """Full-width forms, ligatures and capitals are written one way."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())


@functools.lru_cache(maxsize=32)
def runs(text: str) -> tuple[Run, ...]:
    """In their order. Remembered for a moment: each text of an entry is looked through several times."""
    return tuple(Run(found[0], found[1] is not None) for found in _RUN.finditer(normal(text)))


def tokens(texts: Iterable[str]) -> list[str]:
    """Words and pairs in their order. The last character of a row stands alone, so that no phrase goes on behind it."""
    found: list[str] = []
    for text in texts:
        for run in runs(text):
            found += [*pairs(run.text), run.text[-1]] if run.dense else [run.text]
    return found


def pairs(text: str) -> list[str]:
    return [text[at : at + 2] for at in range(len(text) - 1)]


def chars(texts: Iterable[str]) -> set[str]:
    """Every character of the rows."""
    return {char for text in texts for run in runs(text) if run.dense for char in run.text}


def starts(texts: Iterable[str]) -> set[str]:
    """The short beginnings of every word."""
    return {
        run.text[:length]
        for text in texts
        for run in runs(text)
        if not run.dense
        for length in range(1, min(SHORT, len(run.text)) + 1)
    }


def sounds(texts: Iterable[str]) -> set[str]:
    """Pinyin of two to four characters in a row, whole (qiwen) and by first letters (qw)."""
    return {sound for text in texts for run in runs(text) if run.dense for sound in _sounds(run.text)}


def sound(text: str) -> str:
    """Pinyin, without tones."""
    return "".join(_syllables(text))


def _syllables(text: str) -> list[str]:
    # Its dictionary is 60 MB, and most of what a start of the broker would take: it is read when there is something to sound.
    from pypinyin import Style, lazy_pinyin

    return [part for part in lazy_pinyin(text, style=Style.NORMAL, errors="ignore") if part.isascii()]


@functools.lru_cache(maxsize=100_000)
def _sounds(text: str) -> frozenset[str]:
    said = _syllables(text)
    parts = [
        said[at : at + length] for length in range(2, _SOUNDED + 1) for at in range(len(said) - length + 1)
    ]
    return frozenset({"".join(part) for part in parts} | {"".join(s[0] for s in part) for part in parts})
