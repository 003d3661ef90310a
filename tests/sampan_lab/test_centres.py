"""What the Centres panel is told, from what a broker says of its centres, its launches and a need."""

from __future__ import annotations

from typing import Any

import pytest

from sampan_lab.centres import Cards, answer, centres, running
from sampan_lab.session import Names, Said

pytestmark = pytest.mark.fast

SAID = {"code": "c", "params": {}, "en": "Yes.", "zh": "是。"}
SHARE: dict[str, Any] = {
    "id": "main",
    "names": {"en": "Main", "zh": "主队列"},
    "max_hours": 24,
    "cores_total": 8,
    "cores_free": 3,
    "accelerators": {"dcu": [2, 1]},
    "pending": 4,
}
CENTRE: dict[str, Any] = {
    "id": "east",
    "names": {"en": "East", "zh": "东部"},
    "place": {"city": {"en": "Shanghai", "zh": "上海"}},
    "state": "ok",
    "age": 2.5,
    "problem": None,
    "shares": [SHARE],
}
LAUNCH: dict[str, Any] = {
    "id": "abcd1234",
    "kind": "server",
    "name": "",
    "parent": None,
    "names": {"en": "East", "zh": "东部"},
    "share": "main",
    "node": "n1",
    "stage": "ready",
    "target": "ready",
    "seen": "alive",
    "message": SAID,
    "need": {"cores": 2},
    "seconds_left": 60.0,
}


def test_a_centre_as_it_stands() -> None:
    [east] = centres([CENTRE])
    [main] = east.shares
    assert (east.names, east.city.zh, east.problem) == (Names("East", "东部"), "上海", None)
    assert (main.cores_free, main.cards, main.waiting) == (3, (Cards("dcu", 2, 1),), 4)


def test_what_is_not_known_is_not_free() -> None:
    silent = {**SHARE, "cores_total": None, "cores_free": None, "accelerators": {}, "pending": None}
    [lost] = centres([{**CENTRE, "state": "unreachable", "age": None, "problem": SAID, "shares": [silent]}])
    assert lost.problem == Said("c", "Yes.", "是。")
    assert (lost.shares[0].cores_free, lost.shares[0].waiting, lost.age) == (None, None, None)


def test_one_s_own_launches_the_nearest_first() -> None:
    other = {**LAUNCH, "id": "other123", "names": None, "share": None, "node": None, "seconds_left": None}
    child = {**LAUNCH, "id": "child123", "kind": "kernel", "parent": "abcd1234", "target": "stopped"}
    told = running([other, child, LAUNCH], "abcd1234")
    assert [(row.id, row.here, row.stopping) for row in told] == [
        ("abcd1234", "self", False),
        ("child123", "child", True),
        ("other123", "other", False),
    ]
    assert (told[2].names, told[2].share, told[2].node, told[2].seconds_left) == (None, "", "", None)


def test_where_a_need_would_go() -> None:
    offer = {"centre": "east", "names": CENTRE["names"], "share": "main", "verdict": "now", "reasons": [SAID]}
    no = {**offer, "share": "", "verdict": "no", "start": None}
    told = answer({"ranked": [{**offer, "start": {"words": SAID}}], "refused": [no]})
    assert [one.start for one in (*told.ranked, *told.refused)] == [Said("c", "Yes.", "是。"), None]
    assert told.refused[0].reasons[0].zh == "是。"
