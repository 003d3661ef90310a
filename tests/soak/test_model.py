"""The model of `tests/sampan_hub/model` for as long as somebody has patience: SAMPAN_EXAMPLES plays, 10,000 if nothing is said."""

from __future__ import annotations

import os

import pytest
from hypothesis import Phase

from tests.sampan_hub.test_model import play


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_is_left() -> None:
    """Half an hour and more; a play that fails is told as short as it can be made."""
    play(int(os.environ.get("SAMPAN_EXAMPLES", "10000")), Phase.shrink)
