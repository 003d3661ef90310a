"""What a person wants to run, before anyone chose where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

__all__ = ["NEED_VERSION", "Need"]

NEED_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Need:
    """A person's wish in units of people: made by a plan, a form, a link or a script; checked by the broker alone.

    `memory_mib` is in MiB for the whole session, `minutes` is its longest life. `accelerator` is a type as centres name it
    ("dcu"), `accelerators` how many of it. `centre` pins the choice, None means anywhere. `software` names an
    environment, `data` catalogue entries it is to be near to.
    """

    cores: int = 1
    memory_mib: int = 2048
    minutes: int = 120
    accelerator: str | None = None
    accelerators: int = 0
    software: str | None = None
    data: tuple[str, ...] = ()
    centre: str | None = None

    def to_options(self) -> dict[str, str]:
        """The stable, versioned encoding: every option a short string. What a form sends and a link holds.

        `memory` is in GiB, `hours` in hours, both decimal without trailing zeros. Options at their empty value are left out.
        """
        options = {
            "v": str(NEED_VERSION),
            "cores": str(self.cores),
            "memory": _decimal(self.memory_mib / 1024),
            "hours": _decimal(self.minutes / 60),
        }
        if self.accelerator:
            options["accelerator"] = self.accelerator
            options["accelerators"] = str(self.accelerators)
        if self.software:
            options["software"] = self.software
        if self.data:
            options["data"] = ",".join(self.data)
        if self.centre:
            options["centre"] = self.centre
        return options

    def to_query(self) -> str:
        """The query of a shareable start link, `opt-` before each option as JupyterHub expects it."""
        return urlencode({f"opt-{key}": value for key, value in self.to_options().items()})

    def to_json(self) -> dict[str, Any]:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in _fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Need:
        """Reads back what :meth:`to_json` wrote (a row of ours, an answer of the broker); it does not validate."""
        return cls(**{**data, "data": tuple(data.get("data", ()))})


def _fields(need: Need) -> list[tuple[str, Any]]:
    return [(name, getattr(need, name)) for name in Need.__dataclass_fields__]


def _decimal(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")
