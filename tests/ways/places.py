"""The centres under a hub that is walked through: what they are made of, and what their own operators see and do there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

__all__ = ["Places"]


class Places(Protocol):
    """Implementations: `EmbeddedPlaces`, `RealPlaces`. Nothing here asks the broker."""

    def prepare(self) -> None:
        """Makes them known to the hub of this state, before its start."""

    def known_as(self, centre: str, name: str) -> None:
        """Lets this hub in under another name of the centre as well."""

    def fill(self, centre: str, cores: int | None = None) -> str:
        """A real job of somebody else over that many cores (None: all that there are); returns its number."""

    def free(self, centre: str, job: str) -> None:
        """Ends that job, and returns when the centre's scheduler says that it is gone."""

    def jobs(self, centre: str) -> list[dict[str, Any]]:
        """Every job that the centre's scheduler knows: `id`, `tag`, `state` (queued, running, ended), `cores`, `nodes`."""

    def overcommitted(self, centre: str) -> dict[str, int]:
        """Nodes whose running jobs have more cores than there are, with how many too many."""

    def put(self, centre: str, name: str, text: str) -> str:
        """A file of the centre's that its jobs may read and run; returns its path there."""

    def take_away(self, centre: str, name: str) -> None:
        """Removes what was put there."""

    def seen(self, centre: str, path: str) -> Path:
        """Where this machine has a file of the centre's."""

    def temporary(self) -> list[Path]:
        """/tmp of every machine that jobs run on."""

    def cut(self, launch: Mapping[str, Any]) -> None:
        """Cuts the way to where this launch runs, which goes on behind it."""

    def heal(self, launch: Mapping[str, Any]) -> None:
        """Undoes :meth:`cut`."""

    def folders(self, centre: str) -> list[Path]:
        """Where the centre's files lie (homes, scratch, the scheduler's), as whoever runs the tests sees them."""

    def records(self, centre: str) -> list[Path]:
        """Where the scheduler keeps jobs and scripts, likewise."""

    def told(self, centre: str) -> str:
        """Everything that the scheduler tells of its jobs to whoever asks."""

    def stranger(self, pid: int) -> list[str]:
        """What starts Python as another account on the machine that this process is on, up to Python's arguments."""

    def keeper(self, centre: str) -> str:
        """A word in the command line of the scheduler's process above each job."""

    def clean(self) -> None:
        """Ends what was started here and removes what was made."""
