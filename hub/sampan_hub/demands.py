"""What a queue demands of every job, read from the submit options that its descriptor lists: cards, and a project."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

__all__ = ["Pairs", "demanded_cards", "demanded_project", "without_cards"]

Pairs = Iterable[tuple[str, str]]
"""Options of the submit command without their dashes, each with its value."""

# https://slurm.schedmd.com/sbatch.html. A launch is one task on one node, so each of these counts for the whole job.
_CARDS: Final = {
    "gres": (),
    "gpus": ("gpu",),
    "gpus-per-node": ("gpu",),
    "gpus-per-socket": ("gpu",),
    "gpus-per-task": ("gpu",),
    "tres-per-job": (),
    "tres-per-node": (),
    "tres-per-task": (),
}
"""Option → the words that stand unsaid before its value."""


def demanded_cards(demands: Pairs, kinds: Collection[str]) -> tuple[str, int]:
    """The kind of card that every job takes, and how many; `("", 0)` where none. `kinds`: what the centre calls its cards.

    `dcu:1`, `gres/dcu:1` and `dcu` say one of a kind; `gpu:a100:2` two of `a100`, or of `gpu` where the centre counts those.
    What is no card (licences, bandwidth) counts for nothing here. Of two kinds the first is meant. Our kinds are in lower case.
    """
    for option, value in demands:
        for part in value.split(",") if option in _CARDS else ():
            kind, count = _kind(_CARDS[option], part, kinds)
            if kind and count:
                return kind, count
    return "", 0


def without_cards(demands: Pairs, kind: str, kinds: Collection[str]) -> tuple[tuple[str, str], ...]:
    """The demands but for cards of that kind: a job that names them itself says each thing once."""
    left = []
    for option, value in demands:
        if kind and option in _CARDS:
            parts = [part for part in value.split(",") if _kind(_CARDS[option], part, kinds)[0] != kind]
            value = ",".join(parts)
        if value:
            left.append((option, value))
    return tuple(left)


def demanded_project(demands: Pairs) -> str:
    """The scheduler's project account that every job is charged to; empty: the person's usual one."""
    return next((value for option, value in demands if option == "account"), "")


def _kind(unsaid: tuple[str, ...], part: str, kinds: Collection[str]) -> tuple[str, int]:
    *words, last = part.removeprefix("gres/").replace("=", ":").split(":")
    count, names = (int(last), words) if last.isascii() and last.isdigit() else (1, [*words, last])
    said = tuple(name.lower() for name in (*unsaid, *names))
    # The narrower name comes last: a centre that tells its types apart counts by them.
    found = next((name for name in reversed(said) if name in kinds), "")
    if not found and said == ("gpu",) and len(kinds) == 1:
        # Any card, where all are of one type.
        (found,) = kinds
    return found, count
