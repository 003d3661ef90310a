"""What every scheduler's dialect must say, and take for no answer: nobody needs to be there for that."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final

import pytest

from sampan.errors import SampanError, Unavailable
from sampan_hub.asks import Ask, Completed
from sampan_hub.jobs import JobSpec
from sampan_hub.rules import NO_RULES
from sampan_hub.schedulers import Scheduler
from sampan_hub.testing.no_answers import NO_ANSWERS

__all__ = ["AnswersContract"]

VERBS: Final = (
    *("submit", "find", "recall", "status", "ended", "cancel", "script", "capacity", "usage"),
    *("rules", "limits", "expected_start"),
)


class AnswersContract:
    """Fixtures to provide: `scheduler`, the dialect, and `spec`, a job for it."""

    def asks(self, scheduler: Scheduler, spec: JobSpec) -> dict[str, Ask[Any]]:
        return {
            "submit": scheduler.submit(spec),
            "find": scheduler.find([spec.tag]),
            "recall": scheduler.recall([spec.tag]),
            "status": scheduler.status(["1"]),
            "ended": scheduler.ended(["1"]),
            "cancel": scheduler.cancel("1", spec.tag),
            "script": scheduler.script("1", spec.tag),
            "capacity": scheduler.capacity(),
            "usage": scheduler.usage(["1"]),
            "rules": scheduler.rules(),
            "limits": scheduler.limits("alice", NO_RULES),
            "expected_start": scheduler.expected_start(spec),
        }

    @pytest.mark.parametrize("what", NO_ANSWERS)
    @pytest.mark.parametrize("verb", VERBS)
    async def test_no_answer_is_never_an_answer(
        self, scheduler: Scheduler, spec: JobSpec, verb: str, what: str
    ) -> None:
        """Read as "there is no such job" it would cost somebody a living server."""
        done = NO_ANSWERS[what]
        if verb == "cancel" and done.status == 0:
            return  # Nothing to say is what many schedulers say to a cancel.
        with pytest.raises(Unavailable):
            self.asks(scheduler, spec)[verb].parse(done)

    async def test_nothing_of_a_person_is_in_an_argument_list(
        self, scheduler: Scheduler, spec: JobSpec
    ) -> None:
        """Each argument is of a narrow shape, so that a transport's quoting is never all there is; scripts go on stdin."""
        for ask in self.asks(
            scheduler, replace(spec, script="#!/bin/bash\n# what a person typed\n")
        ).values():
            for word in ask.argv:
                assert re.fullmatch(r"[A-Za-z0-9_./:@%+=,|-]+", word), word

    async def test_every_failure_is_one_of_ours(self, scheduler: Scheduler, spec: JobSpec) -> None:
        for verb, ask in self.asks(scheduler, spec).items():
            for text in ("{", "[]", "null", '{"jobs": [{}]}', "a|b|c\n", "\0", "9" * 5000, "[" * 100_000):
                try:
                    ask.parse(Completed(0, text, ""))
                except SampanError:
                    continue
                assert verb != "capacity", text[:20]
