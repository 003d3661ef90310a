"""Ten times as many made-up requests as in the suite, and every boundary of every parameter. `make soak`."""

from __future__ import annotations

from pathlib import Path

from tests.sampan_hub.any_request import answered_well, with_entries
from tests.sampan_hub.catalogue.served import served


async def test_no_request_is_answered_by_a_mistake_of_ours(tmp_path: Path) -> None:
    async with served(tmp_path, state="draining") as hub:
        await with_entries(hub)
        await answered_well(hub, tmp_path, "--phases", "coverage,fuzzing", "--max-examples", "60")
