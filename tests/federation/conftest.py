"""The federation for tests: up at its first use, down when the run ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.federation.federation import Federation
from tests.federation.needs import missing

__all__ = ["federation"]


@pytest.fixture(scope="session")
def federation() -> Iterator[Federation]:
    """All four centres. Fails, never skips, where they cannot be.

    Taken down afterwards where this brought them up, unless $SAMPAN_KEEP_FEDERATION=1 leaves them for the next run.
    """
    lack = missing()
    assert lack is None, lack
    found = Federation()
    with ExitStack() as stack:
        with _untimed():
            stack.enter_context(found.in_use())
            if os.environ.get("SAMPAN_KEEP_FEDERATION") == "1":
                found.record.keep()
        yield found


@contextmanager
def _untimed() -> Iterator[None]:
    """The first test does not pay for the user environment, which takes minutes once: its own time begins afterwards."""
    left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
    yield
    signal.setitimer(signal.ITIMER_REAL, left)
