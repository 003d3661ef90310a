"""What counts as done in a session. The whole way, with real kernels, is walked in tests/ways/test_idle.py."""

from __future__ import annotations

import os
import pty
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from sampan_lab.activity import Activity, _runs_something
from sampan_lab.asking import Asking
from tests.waiting import wait_until


def an_hour_ago() -> str:
    """Of the moment of the question: a whole run of tests takes long."""
    return (datetime.now(UTC) - timedelta(hours=1)).isoformat()


def activity(*kernels: dict[str, Any], **settings: Any) -> Activity:
    """Of a server with these kernels, as their manager lists them."""
    server: Any = SimpleNamespace(
        kernel_manager=SimpleNamespace(list_kernels=lambda: list(kernels)),
        web_app=SimpleNamespace(settings=settings),
    )
    found = Activity(server, Asking({}))
    found._touched = time.monotonic() - 7200
    return found


@pytest.mark.parametrize("state", ["busy", "starting", "restarting", "a state to come"])
def test_a_kernel_that_is_not_at_rest_does_something_however_silently(state: str) -> None:
    assert activity({"execution_state": state, "last_activity": an_hour_ago()}).idle_seconds() == 0


def test_a_kernel_at_rest_has_done_something_when_it_last_did() -> None:
    kernels = [{"execution_state": "idle", "last_activity": an_hour_ago(), "connections": 3}]
    assert 3590 < activity(*kernels).idle_seconds() < 3660
    assert activity().idle_seconds() > 7000, "nothing runs at all"
    assert activity({"execution_state": "dead", "last_activity": "nonsense"}).idle_seconds() > 7000


def test_a_terminal_s_last_word_and_a_person_s() -> None:
    assert activity(terminal_last_activity=datetime.now(UTC)).idle_seconds() < 60
    person = activity()
    person.touch()
    assert person.idle_seconds() < 1


async def test_reading_files_is_nothing_and_saving_is() -> None:
    person = activity()
    await person._saved(None, "", {"action": "get", "path": "a.ipynb"})
    assert person.idle_seconds() > 7000
    await person._saved(None, "", {"action": "save", "path": "a.ipynb"})
    assert person.idle_seconds() < 1


def test_how_long_is_left() -> None:
    person = activity()
    assert person.idle_left() is None, "nobody has said"
    person._limit = 3600
    assert person.idle_left() == 0
    person.touch()
    assert 3590 < (person.idle_left() or 0) <= 3600


@pytest.fixture
def shell() -> Iterator[Any]:
    """A real shell in a terminal of its own."""
    pid, handle = pty.fork()
    if pid == 0:
        os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])  # noqa: S606
    try:
        yield SimpleNamespace(ptyproc=SimpleNamespace(pid=pid, fd=handle))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(os.tcgetpgrp(handle), signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(handle)


def test_a_program_in_a_terminal_is_seen_also_when_it_says_nothing(shell: Any) -> None:
    wait_until(lambda: not _runs_something(shell), 10)
    os.write(shell.ptyproc.fd, b"sleep 3617\n")
    wait_until(lambda: _runs_something(shell), 10)

    def interrupted() -> bool:
        # A shell hands its terminal over a moment before its child listens: who is not heard presses again.
        os.write(shell.ptyproc.fd, b"\x03")
        return not _runs_something(shell)

    wait_until(interrupted, 10)
