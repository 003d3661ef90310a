"""Work that may break, each piece in a process of its own, with a bound on its time and memory."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

__all__ = ["answers", "bound", "line"]

Facts = dict[str, Any]
Work = Callable[[Mapping[str, Any]], Facts]
LONGEST: Final = 240.0
"""Seconds for all of one question's things; what was not come to is not told of, and can be asked for again."""
EACH: Final = 60.0
BURIED: Final = 5.0
"""Seconds that one that was killed has to go; one that waits for a disk that is gone does not, and is left behind."""
_SPEED: Final = 20e6
"""Bytes a second that are read at the least: a large file is given its time."""
_MEMORY: Final = 16 << 30


def bound() -> None:
    """From now on this process and its children have so much memory, and leave no core file."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def line(told: Facts) -> str:
    """As one line of JSON, whatever bytes a name of a file was made of."""
    return json.dumps(json.loads(json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")))


def answers(questions: Sequence[Mapping[str, Any]], work: Work) -> Iterator[Facts | None]:
    """The facts of each in their order; None where the time is over, and `{"failed": why}` where looking broke."""
    until = time.monotonic() + LONGEST
    for asked in questions:
        left = until - time.monotonic()
        each = EACH + float(asked.get("bytes") or 0) / _SPEED
        yield _apart(work, asked, min(each, left)) if left > 0 else None


def _apart(work: Work, asked: Mapping[str, Any], seconds: float) -> Facts:
    source, sink = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if not child:
        os.close(source)
        _child(work, asked, sink)
    os.close(sink)
    try:
        said = _heard(source, time.monotonic() + seconds)
    finally:
        os.close(source)
        _bury(child)
    if said is None:
        return {"failed": "time"}
    try:
        facts = json.loads(said)
    except ValueError:
        return {"failed": "crash"}
    return facts if isinstance(facts, dict) else {"failed": "crash"}


def _bury(child: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    until = time.monotonic() + BURIED
    while os.waitpid(child, os.WNOHANG)[0] == 0 and time.monotonic() < until:
        time.sleep(0.01)


def _child(work: Work, asked: Mapping[str, Any], sink: int) -> None:
    """Never returns. What a library prints, or leaves to be done at the end, is no part of the answer."""
    try:
        bound()
        # One that is left behind keeps nobody waiting for the end of what the command says.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        with open(sink, "wb") as out:
            out.write(line(work(asked)).encode())
    finally:
        os._exit(0)


def _heard(source: int, until: float) -> bytes | None:
    """Everything up to its end; None where that does not come in time."""
    said = b""
    while (left := until - time.monotonic()) > 0:
        if select.select([source], [], [], left)[0]:
            piece = os.read(source, 1 << 16)
            if not piece:
                return said
            said += piece
    return None
