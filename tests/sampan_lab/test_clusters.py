"""What the Clusters panel is told, from each cluster's launch and what its kernel said last."""

from __future__ import annotations

from typing import Any

import pytest

from sampan_lab.clusters import clusters
from sampan_lab.session import Names

pytestmark = pytest.mark.fast

LAUNCH: dict[str, Any] = {
    "id": "abcd1234",
    "name": "sea",
    "names": {"en": "East", "zh": "东部"},
    "share": "main",
    "stage": "ready",
    "target": "ready",
    "seen": "alive",
    "message": {"code": "c", "en": "Yes.", "zh": "是。"},
    "need": {"cores": 2, "memory_mib": 2048},
}
WORD: dict[str, Any] = {
    "workers": 3,
    "wanted": None,
    "minimum": 0,
    "maximum": 8,
    "pages": "/user/ann/sampan/dask/secret/",
    "listens": True,
}


def test_a_cluster_as_its_kernel_says() -> None:
    [told] = clusters([(LAUNCH, WORD)])
    assert (told.name, told.names, told.stopping) == ("sea", Names("East", "东部"), False)
    assert (told.workers, told.wanted, told.minimum, told.maximum) == (3, None, 0, 8)
    assert (told.pages, told.listens) == (WORD["pages"], True)


def test_what_nobody_has_said_is_not_known() -> None:
    [told] = clusters(
        [({**LAUNCH, "names": None, "share": None, "target": "stopped", "message": None}, None)]
    )
    assert (told.names, told.share, told.stopping, told.said) == (None, "", True, None)
    assert (told.workers, told.wanted, told.pages, told.listens) == (None, None, "", None)
