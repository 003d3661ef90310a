"""What the broker tells a notebook about its centre, so that Dask workers can be started there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from sampan.errors import Unavailable

__all__ = ["Facts", "plain"]

T = TypeVar("T")
PLAIN: Final = re.compile(r"[A-Za-z0-9_./:@+=,-]{1,1000}")
"""What may stand in a job script as it is: nothing that a shell or a batch system reads as more than itself."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One centre, as far as a job of workers needs to know it.

    `cores_max` is the most one job may have and `memory_per_core_mib` (MiB) what comes with each; `accelerators` how many of
    each type one job may have. What a job script says beside that is the broker's affair.
    """

    centre: str
    scheduler: str
    share: str
    cores_max: int
    memory_per_core_mib: int
    accelerators: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Facts:
        """Reads the answer of ``GET /api/centres/{id}/facts``; keys we do not know are left alone.

        Raises Unavailable naming the field.
        """
        centre = _read(data, "id", plain, "?")
        return cls(
            centre=centre,
            scheduler=_read(data, "scheduler", plain, centre),
            share=_read(data, "share", plain, centre),
            cores_max=_read(data, "cores_max", _count, centre),
            memory_per_core_mib=_read(data, "memory_per_core_mib", _count, centre),
            accelerators=_read(data, "accelerators", _cards, centre),
        )


def plain(value: object) -> str:
    """`value`, if it is text that means only itself in a shell script; raises ValueError."""
    if not isinstance(value, str) or not PLAIN.fullmatch(value):
        raise ValueError(f"not a plain text: {str(value)[:100]!r}")
    return value


def _read(data: Mapping[str, Any], key: str, parse: Callable[[Any], T], centre: str) -> T:
    try:
        return parse(data.get(key))
    except (TypeError, ValueError) as error:
        raise Unavailable("cluster.facts", str(error), centre=centre, field=key) from error


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"not a count: {str(value)[:100]!r}")
    return value


def _cards(value: Any) -> dict[str, int]:
    """None are told by a broker that is older than this session."""
    if not isinstance(value or {}, Mapping):
        raise ValueError(f"no cards: {str(value)[:100]!r}")
    return {plain(kind): _count(count) for kind, count in (value or {}).items()}
