"""What the job script tells the launcher: an attempt's facts, read once from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Orders"]

NOT_FOR_CHILDREN: Final = frozenset(
    {
        "SAMPAN_CLIENT_KEY",
        "SAMPAN_NONCE",
        "SAMPAN_BIND",
        "SAMPAN_UNCLAIMED",
        "SAMPAN_DESERTED",
        "SAMPAN_ATTEMPT_DIR",
        "SAMPAN_KIND",
    }
)
PREPARED: Final = frozenset({"server", "kernel"})
"""Kinds of which there are templates."""


@dataclass(frozen=True, slots=True)
class Orders:
    """One attempt as its job script exported it. `deadline` is in seconds since the epoch, `unclaimed` in seconds."""

    tag: str
    nonce: str
    client_key: str
    """The public key of the only client that may come in, in OpenSSH's one-line form."""
    bind: str
    directory: Path
    """Where the report goes and the log lies; mode 0700, made before the job was submitted."""
    home: Path
    deadline: float
    unclaimed: float
    deserted: float
    """Seconds that the job outlives its kernel, for whoever restarts it."""
    kind: str | None
    """What the job is for, where that is to be prepared; None: everything starts plainly."""
    environment: Mapping[str, str]
    """What children start with: the job's own environment without what is the launcher's alone."""

    @classmethod
    def read(cls, environ: Mapping[str, str], now: float) -> Orders:
        """Raises `KeyError` or `ValueError` where the script did not say enough: the job then fails at once."""
        return cls(
            tag=environ["SAMPAN_TAG"],
            nonce=environ["SAMPAN_NONCE"],
            client_key=environ["SAMPAN_CLIENT_KEY"],
            bind=environ["SAMPAN_BIND"],
            directory=Path(environ["SAMPAN_ATTEMPT_DIR"]),
            home=Path.cwd(),
            deadline=now + 60 * int(environ["SAMPAN_MINUTES"]),
            unclaimed=float(environ.get("SAMPAN_UNCLAIMED", "600")),
            deserted=float(environ.get("SAMPAN_DESERTED", "60")),
            kind=kind if (kind := environ.get("SAMPAN_KIND")) in PREPARED else None,
            environment={key: value for key, value in environ.items() if key not in NOT_FOR_CHILDREN},
        )

    @property
    def log(self) -> Path:
        """The job's own output, as the scheduler writes it."""
        return self.directory / "job.log"

    def log_tail(self, size: int) -> str:
        """The last `size` bytes of the log as text; empty where there is no log yet."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - size))
                return file.read(size).decode("utf-8", "replace")
        except OSError:
            return ""
