"""One question to a centre: what to say, and how to read what comes back. No I/O here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

__all__ = ["LARGE", "MOST", "Ask", "Completed"]

T = TypeVar("T")

MOST: Final = 4 << 20
"""Bytes of an answer that are read; more is no answer."""
LARGE: Final = 32 << 20
"""The same for what tells of everybody: a hundred thousand jobs, with room to spare."""


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that was run at a centre and came back. `status` is its exit status (negative: killed by that signal)."""

    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Ask(Generic[T]):
    """A row of the command table: a verb, an argument list, what goes on stdin, and the parser of the answer.

    `parse` raises `sampan.errors.Refused` where the centre said no on purpose and `Unavailable` where the answer is no
    answer (controller away, empty output, an unknown shape): never a guess.
    """

    verb: str
    argv: tuple[str, ...]
    parse: Callable[[Completed], T]
    stdin: bytes = b""
    most: int = MOST
