"""Any request to any route of the broker is answered, and never by a mistake of ours (tests/soak asks twenty times as many)."""

from __future__ import annotations

from pathlib import Path

from tests.sampan_hub.any_request import answered_well, with_entries
from tests.sampan_hub.catalogue.served import served


async def test_no_request_is_answered_by_a_mistake_of_ours(tmp_path: Path) -> None:
    """Its centre takes nobody in: what is asked for is not started."""
    async with served(tmp_path, state="draining") as hub:
        await with_entries(hub)
        await answered_well(hub, tmp_path, "--phases", "fuzzing", "--max-examples", "3")
