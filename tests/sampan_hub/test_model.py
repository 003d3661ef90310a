"""Whatever people, centres, networks and kill -9 do to launches, in any order: see `model`."""

from __future__ import annotations

import logging

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.sampan_hub.broken_world import ground
from tests.sampan_hub.model import Launches

EXAMPLES = 250


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_is_lost_and_nothing_is_left() -> None:
    """250 plays of up to 30 rules each, half a minute: such a search is worth its number of plays. More in `make soak`."""
    play(EXAMPLES)


def play(examples: int, *phases: Phase) -> None:
    """A play that fails is told as it was played; `Phase.shrink`: as short as it can be made, which takes minutes."""
    # What the broker logs of each fault is not what this is about, and would be megabytes.
    logging.disable(logging.ERROR)
    try:
        with ground() as made:
            machine = type("Launches", (Launches,), {"ground": made})
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=30,
                    phases=(Phase.generate, *phases),
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                    database=None,
                ),
            )
    finally:
        logging.disable(logging.NOTSET)
