"""Launches that are on their way to a centre and that its scheduler does not show yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sampan.need import Need

__all__ = ["Claim", "InFlight"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A part of a share that a launch was promised. `visible_from`: a reading taken after it shows the job by itself."""

    launch: str
    centre: str
    share: str
    need: Need
    visible_from: float | None = None


class InFlight:
    """The claims of this process. Lost at a restart on purpose: the next reading shows what was submitted."""

    def __init__(self) -> None:
        self._claims: dict[str, Claim] = {}

    def claim(self, launch: str, centre: str, share: str, need: Need) -> None:
        self._claims[launch] = Claim(launch, centre, share, need)

    def submitted(self, launch: str, at: float) -> None:
        """The scheduler has the job since `at`: readings that began later count it."""
        old = self._claims.get(launch)
        if old is not None:
            self._claims[launch] = Claim(old.launch, old.centre, old.share, old.need, at)

    def release(self, launch: str) -> None:
        self._claims.pop(launch, None)

    def claims(self, measured_at: dict[str, float], besides: str = "") -> Iterable[Claim]:
        """Claims that a reading of its centre, begun at `measured_at[centre]`, does not include; not those of `besides`."""
        for claim in self._claims.values():
            if claim.launch == besides:
                continue
            seen_by = measured_at.get(claim.centre, 0.0)
            if claim.visible_from is None or claim.visible_from >= seen_by:
                yield claim
