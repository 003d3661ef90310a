"""What all tests share: the federation of real centres, up at its first use and down when the run ends."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.federation.federation import Federation
from tests.federation.needs import missing

__all__ = ["federation"]

LEFT_OUT = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def federation() -> Iterator[Federation]:
    """All four centres. Fails, never skips, where they cannot be; $SAMPAN_KEEP_FEDERATION=1 leaves them for the next run."""
    lack = missing()
    assert lack is None, lack
    found = Federation()
    found.up()
    yield found
    if os.environ.get("SAMPAN_KEEP_FEDERATION") != "1":
        found.down()


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
    if number := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(
            f"{number} tests on the federation of real Slurm centres were left out: they need root (sudo make test)."
        )
