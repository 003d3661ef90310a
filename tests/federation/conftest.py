"""The federation for tests: up at its first use, down when the run ends."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.federation.federation import Federation
from tests.federation.needs import missing

__all__ = ["federation"]


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
