"""Three centres, four plans and what they answer: values for the pages and the scripted broker."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from sampan.messages import Message

Json = dict[str, Any]


def _plan(id_: str, en: str, zh: str, about: tuple[str, str], **options: str) -> Json:
    return {
        "id": id_,
        "names": {"en": en, "zh": zh},
        "summary": {"en": about[0], "zh": about[1]},
        "options": options,
    }


PLANS: list[Json] = [
    _plan(
        "light", "Light", "轻量", ("Small tables", "小型表格"),
        cores="1", memory="2", hours="2",
    ),
    _plan(
        "standard", "Standard", "标准", ("Everyday analysis", "日常分析"),
        cores="2", memory="4", hours="4",
    ),
    _plan(
        "large", "Large memory", "大内存", ("Big arrays", "大型数组"),
        cores="4", memory="32", hours="4",
    ),
    _plan(
        "accelerated", "Accelerated", "加速卡", ("Training", "训练"),
        cores="4", memory="16", hours="4", accelerator="dcu", accelerators="1",
    ),
]  # fmt: skip


def _centre(id_: str, en: str, zh: str, place: str, cores: tuple[int, int], state: str = "ok") -> Json:
    share = {
        "id": "cpu",
        "names": {"en": "General", "zh": "通用"},
        "cores_total": cores[0],
        "cores_free": cores[1],
        "max_hours": 24,
        "accelerators": {"dcu": [2, 1]} if id_ == "core" else {},
        "pending": 3 if cores[1] == 0 else 0,
        "nodes": [],
    }
    shares = [share] if state == "ok" else []
    problem = None if state == "ok" else Message("place.unreachable").to_json()
    return {
        "id": id_,
        "names": {"en": en, "zh": zh},
        "place": {"city": {"en": place, "zh": place}, "country": "CN"},
        "state": state,
        "measured_at": 1.0,
        "age": 2.0,
        "shares": shares,
        "problem": problem,
    }


CENTRES: list[Json] = [
    _centre("east", "East Lake", "东湖中心", "Wuxi", (32, 21)),
    _centre("west", "West Mountain", "西山中心", "Chengdu", (64, 0)),
    _centre("core", "Core City", "核心城中心", "Zhengzhou", (16, 12)),
]


def _judged(id_: str, code: str, verdict: str, /, start: Json | None = None, **params: str | int) -> Json:
    names = next(centre["names"] for centre in CENTRES if centre["id"] == id_)
    reasons = [Message(code, params).to_json()]
    return {
        "centre": id_,
        "names": names,
        "share": "cpu",
        "verdict": verdict,
        "reasons": reasons,
        "start": start,
    }


_MINUTES = Message("time.range_min", {"low": "1", "high": "4"})


def _started(starts: int, code: str, **params: Message | int) -> Json:
    return {"starts": starts, "words": Message(code, params).to_json()}


def placed(options: Json) -> Json:
    """A fixed answer: east has room, west has a queue, core has not the memory."""
    ranked = [
        _judged("east", "place.fits_now", "now", _started(0, "wait.not_known"), free=21, total=32),
        _judged("west", "place.queue", "queue", _started(12, "wait.usual", span=_MINUTES), ahead=3),
    ]
    refused = [_judged("core", "place.memory", "no", have=16, want=32)]
    shown = {key: value for key, value in options.items() if key not in ("plan", "v")}
    return {
        "need": {},
        "query": urlencode({"opt-v": "1", **{f"opt-{key}": value for key, value in shown.items()}}),
        "ranked": [one for one in ranked if options.get("centre", one["centre"]) == one["centre"]],
        "refused": refused,
    }
