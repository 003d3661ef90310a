"""Text tables for people: columns aligned also where characters are two cells wide. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

__all__ = ["clean", "table"]

GAP = "  "


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lines without trailing blanks; the last column is not padded, a number alone in its cell is set to the right."""
    cells = [[clean(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(width(row[column]) for row in cells) for column in range(len(heads))]
    return "\n".join(GAP.join(map(_padded, row, widths)).rstrip() for row in cells)


def clean(text: str) -> str:
    """`text` without what a terminal would obey: names and reasons come from outside."""
    return "".join(" " if character.isspace() else character for character in text if _harmless(character))


def width(text: str) -> int:
    """How many cells of a terminal it takes: https://www.unicode.org/reports/tr11/."""
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _harmless(character: str) -> bool:
    # Cc: escape sequences; Cf: marks that reverse the order of what follows.
    return character.isspace() or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def _padded(cell: str, wanted: int) -> str:
    blanks = " " * (wanted - width(cell))
    return blanks + cell if cell.replace("/", "").replace(".", "").isdecimal() else cell + blanks
