"""What is asked of a centre for the catalogue, and how its answer is read. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from pydantic import ValidationError

from sampan.errors import Refused, Unavailable
from sampan_hub.asks import LARGE, Ask, Completed
from sampan_hub.catalogue.harvest import Finding
from sampan_hub.catalogue.verdicts import Facts

__all__ = ["look", "reap"]

LOOKING: Final = "sampan_kernels.looking"
REAPING: Final = "sampan_kernels.reaping"


def look(python: str, questions: Sequence[dict[str, Any]]) -> Ask[list[Facts | None]]:
    """The facts of each thing in its order; None for what was not come to."""
    stdin = json.dumps(questions).encode()

    def parse(done: Completed) -> list[Facts | None]:
        return _facts(done, len(questions))

    return Ask("catalogue-look", (python, "-I", "-m", LOOKING), parse, stdin, LARGE)


def reap(python: str, question: dict[str, Any]) -> Ask[list[Finding]]:
    """Everything that the centre has there: all of it, or an error. Raises Refused (harvest.failed) with what it says."""
    return Ask(
        "catalogue-reap", (python, "-I", "-m", REAPING), _findings, json.dumps(question).encode(), LARGE
    )


def _findings(done: Completed) -> list[Finding]:
    told = [json.loads(line) for line in done.stdout.splitlines()]
    if told and "failed" in told[-1]:
        raise Refused("harvest.failed", why=str(told[-1]["failed"])[:400])
    if not told or told[-1] != {"end": True}:
        raise Unavailable(
            "centre.no_answer", cause=f"exit {done.status}: {done.stderr.strip()[-600:]}", centre=""
        )
    return [Finding.model_validate(one) for one in told[:-1]]


def _facts(done: Completed, count: int) -> list[Facts | None]:
    lines = done.stdout.splitlines()[:count]
    if not lines:
        raise Unavailable(
            "centre.no_answer", cause=f"exit {done.status}: {done.stderr.strip()[-600:]}", centre=""
        )
    found = [_one(line) for line in lines]
    return found + [None] * (count - len(found))


def _one(line: str) -> Facts | None:
    """A line that is cut off, or is none of ours, says nothing."""
    try:
        told = json.loads(line)
        return None if told is None else Facts.model_validate(told)
    except (ValueError, ValidationError):
        return None
