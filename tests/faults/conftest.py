"""One hub over the federation and one over the embedded default for the whole folder, and what a test has to tell of its fault.

A test that uses a hub runs in the session's loop: `pytestmark = pytest.mark.asyncio(loop_scope="session")`, and, where it is the
real one, `pytest.mark.federation` too. It gets the hub with every centre empty and whole, and may leave it in any state.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.faults.broken import Broken
from tests.faults.mending import mend
from tests.federation.federation import Federation
from tests.ways.whole_hub import WholeHub, whole_hub


@pytest.fixture
def broken(request: pytest.FixtureRequest) -> Broken:
    """Of the case whose number the file name has: `broken(done, saw, losses, seconds)`."""
    number = re.fullmatch(r"test_(\d\d)_\w+", request.path.stem)
    assert number is not None, f"{request.path.name} has no number of a case"
    if "real_hub" in request.fixturenames:
        on = "federation"
    else:
        on = "embedded" if "hub" in request.fixturenames else "scripted"
    return Broken(int(number[1]), request.node.user_properties, on)  # type: ignore[arg-type]


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def _real(federation: Federation) -> AsyncIterator[WholeHub]:
    async with whole_hub("federation") as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def _embedded() -> AsyncIterator[WholeHub]:
    async with whole_hub("embedded") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def real_hub(_real: WholeHub, federation: Federation) -> AsyncIterator[WholeHub]:
    """The hub over the federation; afterwards all centres are whole again, and nobody's server runs."""
    yield _real
    await asyncio.to_thread(federation.up)
    await mend(_real)


@pytest_asyncio.fixture(loop_scope="session")
async def hub(_embedded: WholeHub) -> AsyncIterator[WholeHub]:
    """The hub over the embedded default; afterwards nobody's server runs."""
    yield _embedded
    await mend(_embedded)
