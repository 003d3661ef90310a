"""What a page is told of a kernel elsewhere, beside what the kernel says: one message on iopub for each step of its launch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

__all__ = ["KIND", "News", "news"]

KIND: Final = "sampan_launch"
"""The type of that message."""


@dataclass(frozen=True, slots=True)
class News:
    """How the launch of a kernel is: that it waits, and for what; that it runs, and where; that it is over, and why."""

    launch: str
    state: Literal["waits", "runs", "over"]
    seen: Literal["alive", "ended", "unknown", "unreachable"]
    centre: str | None
    code: str
    en: str
    zh: str


def news(launch: str, step: Mapping[str, Any], runs: bool) -> News:
    """Of a step as the broker's events tell it; `runs`: whether the kernel has been there before that."""
    message = step["message"]
    state: Literal["waits", "runs", "over"] = "runs" if runs or step["final"] == "ready" else "waits"
    return News(
        launch=launch,
        state="over" if step["final"] == "ended" else state,
        seen=step["seen"],
        centre=step["centre"],
        code=str(message["code"]),
        en=str(message["en"]),
        zh=str(message["zh"]),
    )
