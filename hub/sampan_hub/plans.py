"""Plans 套餐: needs with a name, the same at every centre."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sampan.need import Need

__all__ = ["PLANS", "Plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """A Need that a person picks by name instead of by numbers."""

    id: str
    names: tuple[str, str]
    """English, Chinese."""
    summary: tuple[str, str]
    need: Need

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "names": {"en": self.names[0], "zh": self.names[1]},
            "summary": {"en": self.summary[0], "zh": self.summary[1]},
            "options": self.need.to_options(),
        }


_ALL: Final = (
    Plan(
        "light",
        ("Light", "轻量"),
        ("Reading, small tables, a first look", "浏览、小表格、初步查看"),
        Need(cores=1, memory_mib=2048, minutes=120),
    ),
    Plan(
        "standard",
        ("Standard", "标准"),
        ("Analysis and plots with a few cores", "日常分析与绘图，多核"),
        Need(cores=2, memory_mib=4096, minutes=240),
    ),
    Plan(
        "large-memory",
        ("Large memory", "大内存"),
        ("Big arrays in one session", "单个会话处理大数组"),
        Need(cores=2, memory_mib=12288, minutes=240),
    ),
    Plan(
        "accelerated",
        ("Accelerated", "加速卡"),
        ("One accelerator card, for models", "一张加速卡，用于模型计算"),
        Need(cores=2, memory_mib=8192, minutes=120, accelerator="dcu", accelerators=1),
    ),
)

PLANS: Final = MappingProxyType({plan.id: plan for plan in _ALL})
"""The plans by id, in the order in which they are shown."""
