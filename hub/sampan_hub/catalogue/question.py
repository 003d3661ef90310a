"""What somebody typed, as terms that must all be found; each may be found by other words, too. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sampan_hub.catalogue.terms import known, same
from sampan_hub.catalogue.words import Run, runs

__all__ = ["LONGEST", "Term", "read"]

LONGEST: Final = 200
"""Characters of a question that are read."""
_MOST: Final = 16
_LONGEST_KNOWN: Final = 4
"""Words of the longest English term of the table, and then some."""


@dataclass(frozen=True, slots=True)
class Term:
    """Found where all of `runs` are found, or all of one row of `same`, or every one of `parts`."""

    runs: tuple[Run, ...]
    same: tuple[tuple[Run, ...], ...] = ()
    parts: tuple[Term, ...] = ()


def read(text: str) -> tuple[Term, ...]:
    """The terms in their order; none where there is nothing to look for."""
    left = list(runs(text[:LONGEST]))[:_MOST]
    found: list[Term] = []
    while left:
        if left[0].dense:
            found.append(_dense(left.pop(0)))
            continue
        length = _known_words(left)
        found.append(_term(tuple(left[:length])))
        del left[:length]
    return tuple(found)


def _term(some: tuple[Run, ...]) -> Term:
    text = " ".join(run.text for run in some)
    return Term(some, tuple(tuple(runs(word)) for word in same(text)))


def _known_words(left: list[Run]) -> int:
    """How many of the next words are one term of the table; 1 where they are none."""
    for length in range(min(_LONGEST_KNOWN, len(left)), 1, -1):
        some = left[:length]
        if not any(run.dense for run in some) and same(" ".join(run.text for run in some)):
            return length
    return 1


def _dense(run: Run) -> Term:
    whole = _term((run,))
    pieces = _cut(run.text)
    if whole.same or len(pieces) == 1:
        return whole
    return Term((run,), parts=tuple(_term((Run(piece, True),)) for piece in pieces))


def _cut(text: str) -> list[str]:
    """The row cut around the words of the table; whole where a piece of one character would remain, which says too little."""
    for word in known():
        at = text.find(word)
        if at >= 0 and word != text:
            around = [part for part in (text[:at], text[at + len(word) :]) if part]
            if all(len(part) > 1 for part in around):
                return [
                    *(_cut(text[:at]) if at else []),
                    word,
                    *(_cut(text[at + len(word) :]) if text[at + len(word) :] else []),
                ]
    return [text]
