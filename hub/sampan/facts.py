"""What the broker tells a notebook about its centre, so that Dask workers can be started there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sampan.errors import Unavailable

__all__ = ["Facts", "plain"]

T = TypeVar("T")
PLAIN: Final = re.compile(r"[A-Za-z0-9_./:@+=,-]{1,1000}")
"""What may stand in a job script as it is: nothing that a shell or a batch system reads as more than itself."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One centre, as far as a job of workers needs to know it.

    `queue` is the scheduler's own name of the share, `directives` what that queue demands as (option, value). `cores_max`
    is the most one job may have and `memory_per_core_mib` (MiB) what comes with each. `python` runs the centre's
    environment, which `modules` and `setup_file` (sourced, at the centre) prepare; `spool` belongs to the process
    scheduler; `scratch` is None where there is none.
    """

    centre: str
    scheduler: str
    share: str
    queue: str
    cores_max: int
    memory_per_core_mib: int
    python: str
    directives: tuple[tuple[str, str], ...] = ()
    modules: tuple[str, ...] = ()
    setup_file: str | None = None
    scratch: str | None = None
    spool: str | None = None
    nodes_may_submit: bool = False

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Facts:
        """Reads the answer of ``GET /api/centres/{id}/facts``; keys we do not know are left alone.

        Every text in it can end in a job script, so it must be plain. Raises Unavailable naming the field.
        """
        centre = _read(data, "id", plain, "?")
        return cls(
            centre=centre,
            scheduler=_read(data, "scheduler", plain, centre),
            share=_read(data, "share", plain, centre),
            queue=_read(data, "queue", plain, centre),
            cores_max=_read(data, "cores_max", _count, centre),
            memory_per_core_mib=_read(data, "memory_per_core_mib", _count, centre),
            python=_read(data, "python", plain, centre),
            directives=_read(data, "directives", _pairs, centre),
            modules=_read(data, "modules", _names, centre),
            setup_file=_read(data, "setup_file", _maybe, centre),
            scratch=_read(data, "scratch", _maybe, centre),
            spool=_read(data, "spool", _maybe, centre),
            nodes_may_submit=data.get("nodes_may_submit") is True,
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


def _maybe(value: Any) -> str | None:
    return plain(value) if value else None


def _names(value: Any) -> tuple[str, ...]:
    return tuple(plain(name) for name in value or ())


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    return tuple((plain(option), plain(setting)) for option, setting in value or ())
