"""Generated entries: as many as are wanted, always the same, and never taken for real ones."""

from __future__ import annotations

import pytest

from sampan_hub.catalogue.command import demo
from sampan_hub.catalogue.generated import PROVIDERS, products
from tests.bench.catalogue_mix import COUNT, mix

pytestmark = pytest.mark.fast


def test_they_are_marked_and_differ() -> None:
    some = list(products(1000))
    assert all(one.generated for one in some)
    assert len({one.provider for one in some}) == PROVIDERS
    assert len({(one.provider, one.name) for one in some}) == 1000
    assert not any(one.generated for one in demo(True))
    assert some[:100] == list(products(100)), "the same for the same seed, however many are asked for"


def test_the_questions_are_always_the_same_and_mixed() -> None:
    questions = mix(list(products(200)))
    assert questions == mix(list(products(200)))
    assert len(questions) == COUNT
    chinese = [one for one in questions if not one.text.isascii()]
    assert 0.45 <= len(chinese) / COUNT <= 0.55
    assert {len(one.text) for one in chinese} >= {1, 2, 4, 6}
    assert sum(one.kind == "common" for one in questions) == COUNT // 20
