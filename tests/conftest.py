"""What all tests share: the federation of real centres, up at its first use and down when the run ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.faults.page import pytest_runtest_logreport, write_page
from tests.federation.federation import Federation
from tests.federation.needs import missing

__all__ = ["federation", "pytest_runtest_logreport"]

# A contract says what was expected, like any other test.
pytest.register_assert_rewrite(
    "sampan_hub.testing.scheduler_contract", "sampan_hub.testing.transport_contract"
)

LEFT_OUT = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def federation() -> Iterator[Federation]:
    """All four centres. Fails, never skips, where they cannot be.

    Down afterwards, unless it was up by hand before, another run uses it, or $SAMPAN_KEEP_FEDERATION=1 leaves it for the next.
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
    """The first test does not pay for the user environment, which takes minutes once: its own time goes on afterwards."""
    left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
    yield
    signal.setitimer(signal.ITIMER_REAL, left)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Networks and accounts of their own can be made by root alone: anybody else's run leaves those tests out, and says so.

    Never where CI runs: there they fail.
    """
    if os.getuid() == 0 or os.environ.get("CI") == "true":
        return
    real = [item for item in items if item.get_closest_marker("federation")]
    config.hook.pytest_deselected(items=real)
    items[:] = [item for item in items if item not in real]
    config.stash[LEFT_OUT] = len(real)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    write_page(terminalreporter.write_line)
    if number := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(
            f"{number} tests on the federation of real Slurm centres were left out: they need root (sudo make test)."
        )
