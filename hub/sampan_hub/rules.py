"""What holds for everybody at a centre for a while, whatever the moment's capacity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["NO_RULES", "Rules"]


@dataclass(frozen=True, slots=True)
class Rules:
    """`qualities`: queue → the quality of service whose limits hold for everybody there, as its scheduler calls it."""

    qualities: Mapping[str, str] = field(default_factory=dict)


NO_RULES = Rules()
