"""A person's own files at a centre that the broker needs: the attempt's folder, its report, the end of its log."""

from __future__ import annotations

from sampan.errors import Unavailable
from sampan_hub.asks import Ask, Completed

__all__ = ["make_directory", "read", "tail"]

_LARGEST = 65536


def make_directory(path: str) -> Ask[None]:
    """Makes a folder that only its owner may enter, and those above it."""
    return Ask("mkdir", ("mkdir", "-p", "-m", "700", "--", path), _done)


def read(path: str) -> Ask[str | None]:
    """The start of a small file; None where there is none."""
    return Ask("read", ("head", "-c", str(_LARGEST), "--", path), _text)


def tail(path: str, size: int) -> Ask[str | None]:
    """The last `size` bytes of a file as text; None where there is none."""
    return Ask("tail", ("tail", "-c", str(size), "--", path), _text)


def _done(answer: Completed) -> None:
    if answer.status != 0:
        raise Unavailable("centre.file", cause=answer.stderr.strip()[-300:])


def _text(answer: Completed) -> str | None:
    """Missing is an answer; anything else that goes wrong is not."""
    if answer.status == 0:
        return answer.stdout
    # In English, as every transport promises; at its end, since what stands before is the file's name.
    if answer.stderr.rstrip().endswith("No such file or directory"):
        return None
    raise Unavailable("centre.file", cause=answer.stderr.strip()[-300:])
