"""Small drawings for the status page, as SVG: how a centre stood over a day, and how long starts waited there. Pure.

Colours are the page's; what a drawing says is said beside it in words, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from markupsafe import Markup

from sampan.messages import Message
from sampan_hub.chronicle import Stretch
from sampan_hub.waits import Wait

__all__ = ["strip", "ticks", "waits_plot"]

WIDTH: Final = 600
HIGH: Final = 72
_MARKS: Final = (
    (1.0, Message("time.s", {"n": "1"})),
    (60.0, Message("time.min", {"n": "1"})),
    (3600.0, Message("time.h", {"n": "1"})),
)
_LONGEST: Final = 6 * 3600.0
_SHORTEST: Final = 0.5
_NARROWEST: Final = 1.5
"""Units of width below which a short trouble would not be seen."""


def strip(stretches: Iterable[Stretch], begin: float, end: float) -> Markup:
    """One bar from `begin` to `end`, a colour for each state; what nobody saw is left empty."""
    parts = []
    for one in stretches:
        left, right = (WIDTH * (at - begin) / (end - begin) for at in (one.begin, one.end))
        width = max(_NARROWEST, right - left)
        parts.append(
            Markup('<rect class="s-{0}" x="{1:.1f}" y="0" width="{2:.1f}" height="10"/>').format(
                one.state, min(left, WIDTH - width), width
            )
        )
    return _svg("strip", 10, Markup("").join(parts))


def waits_plot(waits: Iterable[Wait], begin: float, end: float) -> Markup:
    """A dot for each start: when it began to wait, from left to right, and for how long, upwards, by powers of ten.

    Dots are lines without length with round ends, so that they stay round however wide the page is.
    """
    parts = [
        Markup('<line class="grid" x1="0" x2="{0}" y1="{1:.1f}" y2="{1:.1f}"/>').format(WIDTH, _up(seconds))
        for seconds, _ in _MARKS
    ]
    for wait in waits:
        if begin <= wait.at <= end:
            across = 5 + (WIDTH - 10) * (wait.at - begin) / (end - begin)
            kind = "began" if wait.started else "left"
            parts.append(
                Markup('<line class="{0}" x1="{1:.1f}" x2="{1:.1f}" y1="{2:.1f}" y2="{2:.1f}"/>').format(
                    kind, across, _up(wait.seconds)
                )
            )
    return _svg("waits", HIGH, Markup("").join(parts))


def ticks() -> list[tuple[float, Message]]:
    """What is written beside the lines of the plot: percent from its top, and how long that is."""
    return [(round(100 * _up(seconds) / HIGH, 1), said) for seconds, said in _MARKS]


def _up(seconds: float) -> float:
    """Where that many seconds are drawn."""
    low, high = math.log(_SHORTEST), math.log(_LONGEST)
    part = (math.log(min(max(seconds, _SHORTEST), _LONGEST)) - low) / (high - low)
    return HIGH - 6 - (HIGH - 12) * part


def _svg(kind: str, height: int, inside: Markup) -> Markup:
    return Markup(
        '<svg class="{0}" viewBox="0 0 {1} {2}" preserveAspectRatio="none" aria-hidden="true" focusable="false">{3}</svg>'
    ).format(kind, WIDTH, height, inside)
