"""Every way is walked twice: on the embedded default, and on the federation of real centres."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", params=["embedded", pytest.param("federation", marks=pytest.mark.federation)])
def kind(request: pytest.FixtureRequest) -> str:
    """What the centres are made of: a key of `whole_hub.PLACES`."""
    if request.param == "federation":
        request.getfixturevalue("federation")
    return str(request.param)
