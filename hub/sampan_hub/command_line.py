"""The one place that quotes: SSH's exec request is a single string, which the login shell of the other side reads."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Final

from sampan.errors import Invalid

__all__ = ["WORD", "command_line"]

WORD: Final = re.compile(r"[A-Za-z0-9_@%+=:,./|-]{1,65536}")
"""What one argument looks like. Nothing in it means anything to a shell once it is quoted, nor to most before; whatever a
person typed travels on standard input."""
LONGEST: Final = 120_000
"""Bytes: Linux gives a single argument of exec 128 KiB, and this whole line becomes one."""


def command_line(argv: Sequence[str], shape: re.Pattern[str] = WORD) -> str:
    """The line that a shell of the POSIX kind reads as exactly these arguments.

    Raises `Invalid` for an argument of another shape, and where all together are too long.
    """
    for word in argv:
        if not shape.fullmatch(word):
            raise Invalid("centre.word", value=repr(word[:80]))
    line = shlex.join(argv)
    if not argv or len(line.encode()) > LONGEST:
        raise Invalid("centre.line", cause=repr(line[:80]), size=len(line.encode()), limit=LONGEST)
    return line
