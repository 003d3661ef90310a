"""The questions that the catalogue is measured with: always the same ones, made from the words of generated entries.

Half of them are Chinese; they have one, two, four and more characters or letters; one in twenty holds a term that stands in
over a tenth of all entries.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from sampan_hub.catalogue.product import Product

__all__ = ["COUNT", "Question", "mix"]

COUNT: Final = 400
_SEED: Final = 20261125
_COMMON: Final = ("数据产品", "示例", "共享资源", "shared resource", "specimen")
"""Each stands in a quarter of the generated entries."""


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    kind: str


def mix(some: list[Product], count: int = COUNT) -> list[Question]:
    """Questions about these entries. Nobody knows the truth about a question that was not taken from what is there."""
    chance = random.Random(_SEED)
    return [_question(chance, at, chance.choice(some)) for at in range(count)]


def _question(chance: random.Random, at: int, one: Product) -> Question:
    if at % 20 == 0:
        return Question(chance.choice(_COMMON), "common")
    if at % 2:
        text = one.title.zh
        length = chance.choice((1, 2, 2, 2, 4, 4, 6))
        begin = chance.randrange(max(1, len(text) - length + 1))
        return Question(text[begin : begin + length], f"zh{length}")
    words = one.title.en.replace(",", "").split()
    kind = chance.choice(("rare", "pair", "prefix"))
    if kind == "rare":
        return Question(words[-1], "en rare")
    if kind == "pair":
        return Question(" ".join(chance.sample(words[:-1], k=2)), "en pair")
    return Question(f"{words[0]} {words[-1][: chance.choice((2, 4, 6))]}", "en prefix")
