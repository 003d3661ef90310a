"""What was measured, how it is kept, and how it is shown."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["Figure", "keep", "measured", "table"]

PLACE: Final = Path(__file__).resolve().parents[2] / "build" / "bench"


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: the median and the 95th percentile of its runs. `reach` says what is to be reached, `met` whether it was."""

    name: str
    unit: str
    median: float
    p95: float
    runs: int
    peer: str = ""
    peer_median: float | None = None
    reach: str = ""
    met: bool | None = None

    @property
    def ratio(self) -> float | None:
        return None if not self.peer_median else self.median / self.peer_median


def measured(name: str, unit: str, values: Sequence[float], **more: Any) -> Figure:
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return Figure(name, unit, statistics.median(ordered), p95, len(ordered), **more)


def keep(name: str, figures: Sequence[Figure], **more: Any) -> None:
    """Writes `build/bench/<name>.json`."""
    PLACE.mkdir(parents=True, exist_ok=True)
    machine = {"cores": os.cpu_count(), "load": os.getloadavg()[0], "python": platform.python_version()}
    rows = [{**asdict(figure), "ratio": figure.ratio} for figure in figures]
    text = json.dumps({"machine": machine, "figures": rows, **more}, indent=1, ensure_ascii=False)
    (PLACE / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def table(figures: Sequence[Figure]) -> str:
    """For a terminal."""
    rows = [("what", "median", "p95", "", "peer", "ratio", "to reach")]
    for one in figures:
        peer = f"{one.peer} {one.peer_median:.3g}" if one.peer_median else ""
        ratio = f"{one.ratio:.2f}" if one.ratio else ""
        said = {True: f"{one.reach}: reached", False: f"{one.reach}: MISSED", None: one.reach}[one.met]
        rows.append((one.name, f"{one.median:.4g}", f"{one.p95:.4g}", one.unit, peer, ratio, said))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
