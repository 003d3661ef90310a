"""What a test of this folder has to say about its fault, for the page: the fixture `broken`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from sampan.messages import Message
from tests.faults.cases import Pair
from tests.faults.losses import Losses

__all__ = ["PROPERTY", "Broken", "Fault", "On"]

PROPERTY: Final = "broken"
"""The name under which a fault travels with the report of its test, over processes too."""

On = Literal["federation", "embedded", "scripted"]
"""What the fault was made in: real Slurm and OpenSSH, real processes of one machine, or centres that do as they are told."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of the page. `seconds`: to heal; None where there was nothing to heal."""

    case: int
    on: On
    done: Pair
    saw: Pair
    losses: Losses
    seconds: float | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Fault:
        pairs = {key: tuple(told[key]) for key in ("done", "saw")}
        return cls(**{**told, **pairs, "losses": Losses(**told["losses"])})


@dataclass
class Broken:
    """Writes down faults of one case. A test that loses anything fails here."""

    case: int
    told: list[tuple[str, object]]
    on: On = "scripted"
    _began: float = field(default_factory=time.monotonic)

    def mended(self) -> None:
        """The fault is over: what follows until the entry is the time to heal."""
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the fault was over; to be looked at as soon as all is well again."""
        return time.monotonic() - self._began

    def __call__(
        self,
        done: Pair,
        saw: Message | Mapping[str, Any] | Pair,
        losses: Losses,
        seconds: float | None = None,
        on: On | None = None,
    ) -> None:
        """`done`: what was done, in both languages; `saw`: the sentence that the person had, as it was shown."""
        assert not losses, losses
        fault = Fault(
            self.case, on or self.on, done, _pair(saw), losses, None if seconds is None else round(seconds, 1)
        )
        self.told.append((PROPERTY, fault.to_json()))


def _pair(said: Message | Mapping[str, Any] | Pair) -> Pair:
    if isinstance(said, Message):
        return said.say("en"), said.say("zh")
    if isinstance(said, tuple):
        return said
    return said["en"], said["zh"]
