"""What may have been meant by words that nothing was found for. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Final

from sampan_hub.catalogue.words import normal, runs, sound

__all__ = ["another_word", "same_sound"]

Known = Callable[[str], list[tuple[str, int]]]
"""The beginning of a word → the words that begin so, each with the number of entries that it stands in."""
_ALIKE: Final = 0.75


def another_word(text: str, known: Known) -> str | None:
    """The question with every unknown word replaced by the one that is spelt most like it; None where there is none."""
    said, changed = [], False
    for run in runs(text):
        near = [] if run.dense else known(run.text[0])
        if run.dense or any(word == run.text for word, _ in near):
            said.append(run.text)
            continue
        often = dict(near)
        like = difflib.get_close_matches(run.text, often, n=3, cutoff=_ALIKE)
        if not like:
            return None
        said.append(
            max(like, key=lambda word: (difflib.SequenceMatcher(None, run.text, word).ratio(), often[word]))
        )
        changed = True
    return " ".join(said) if changed else None


def same_sound(text: str, titles: Iterable[str]) -> str | None:
    """What stands in one of the titles and sounds like the whole question."""
    asked = "".join(run.text for run in runs(text) if run.dense)
    heard = sound(asked)
    for title in titles if len(asked) > 1 else ():
        for run in runs(title):
            for at in range(len(run.text) - len(asked) + 1):
                part = run.text[at : at + len(asked)]
                if run.dense and part != normal(asked) and sound(part) == heard:
                    return part
    return None
