"""Whatever a piece of work does, the others are told of, and in time."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sampan_kernels import apart
from sampan_kernels.apart import answers


def test_whatever_breaks_breaks_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(one: Mapping[str, Any]) -> dict[str, Any]:
        match one["do"]:
            case "crash":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hang":
                time.sleep(600)
            case "print":
                print("no part of the answer")
            case "raise":
                raise SystemExit(3)
        return {"there": True}

    # The first is given its time on a busy machine; only what hangs needs to be short.
    monkeypatch.setattr(apart, "EACH", 2.0)
    questions = [
        {"do": what, "bytes": 0 if what == "hang" else 1e9} for what in ("crash", "hang", "print", "raise")
    ]
    told = list(answers(questions, work))
    assert told == [{"failed": "crash"}, {"failed": "time"}, {"there": True}, {"failed": "crash"}]


def test_when_the_time_is_over_nothing_is_said_of_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "LONGEST", 0.0)
    assert list(answers([{}, {}], lambda _: {})) == [None, None]


def test_one_that_cannot_be_killed_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that waits for a disk that is gone."""
    left: list[int] = []

    def work(one: Mapping[str, Any]) -> dict[str, Any]:
        time.sleep(one.get("sleep", 0))
        return {"there": True}

    monkeypatch.setattr(apart, "EACH", 0.2)
    monkeypatch.setattr(apart, "BURIED", 0.1)
    with monkeypatch.context() as patched:
        patched.setattr(os, "kill", lambda child, _: left.append(child))
        told = list(answers([{"sleep": 60}, {"bytes": 1e9}], work))
    try:
        assert told == [{"failed": "time"}, {"there": True}]
        assert os.waitpid(left[0], os.WNOHANG) == (0, 0), "it is there yet"
        until = time.monotonic() + 30
        while {Path(f"/proc/{left[0]}/fd/{end}").readlink() for end in (1, 2)} != {Path(os.devnull)}:
            assert time.monotonic() < until, "whoever reads what we say waits for it"
            time.sleep(0.02)
    finally:
        os.kill(left[0], signal.SIGKILL)
        for child in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, 0)
