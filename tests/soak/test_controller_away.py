"""slurmctld away for ten minutes in every way in which it can fail. `make soak`; SAMPAN_AWAY sets the seconds."""

from __future__ import annotations

import os

import pytest

from tests.faults.broken import Broken
from tests.faults.test_01_controller_away import away
from tests.federation.federation import Federation
from tests.ways.whole_hub import whole_hub

SECONDS = float(os.environ.get("SAMPAN_AWAY", "600"))


@pytest.mark.federation
async def test_ten_minutes(federation: Federation) -> None:
    async with whole_hub("federation") as hub:
        await away(hub, federation, Broken(1, [], "federation"), SECONDS)
