"""What keeps the talk of one Dask cluster to itself: its own keys, in a directory of their own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sampan.errors import Unavailable

if TYPE_CHECKING:
    from distributed.security import Security

__all__ = ["Seal", "remove_all"]

PREFIX: Final = "dask-"


@dataclass(frozen=True)
class Seal:
    """The keys of one cluster: whoever cannot read `directory` (mode 0700) can neither join nor listen."""

    directory: Path

    @classmethod
    def make(cls, parent: Path) -> Seal:
        """New keys below `parent`, where the workers' jobs can read them too.

        Those of clusters whose process was killed before it could remove them go first; they open nothing any more.
        Raises Unavailable (a full or read-only disk, another's folder).
        """
        from distributed.security import Security  # here, because the trunk runs without Dask

        keys = Security.temporary()  # type: ignore[no-untyped-call]
        try:
            parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            for orphan in _orphans(parent):
                cls(orphan).remove()
            seal = cls(Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent)))
            for file, text in ((seal.certificate, keys.tls_ca_file), (seal.key, keys.tls_worker_key)):
                file.touch(mode=0o600, exist_ok=False)
                file.write_text(text, encoding="ascii")
        except OSError as error:
            raise Unavailable("cluster.no_folder", folder=str(parent), why=error.strerror or "") from error
        return seal

    @property
    def certificate(self) -> Path:
        """The one certificate: signed by itself, it is the authority and everybody's proof."""
        return self.directory / "certificate.pem"

    @property
    def key(self) -> Path:
        return self.directory / "key.pem"

    def security(self) -> Security:
        """Encryption required, and a certificate from both ends of every connection."""
        from distributed.security import Security

        roles = ("client", "scheduler", "worker")
        return Security(  # type: ignore[no-untyped-call]
            require_encryption=True,
            tls_ca_file=str(self.certificate),
            **{f"tls_{role}_cert": str(self.certificate) for role in roles},
            **{f"tls_{role}_key": str(self.key) for role in roles},
        )

    def remove(self) -> None:
        """Idempotent."""
        shutil.rmtree(self.directory, ignore_errors=True)


def remove_all(parent: Path) -> None:
    """Removes the keys of every cluster below `parent`, whose session is over: a process that was killed left its own."""
    for directory in parent.glob(f"{PREFIX}*-*"):
        Seal(directory).remove()


def _orphans(parent: Path) -> Iterator[Path]:
    """Keys made on this machine by a process that is gone; `parent` belongs to one session, on one machine."""
    for directory in parent.glob(f"{PREFIX}*-*"):
        pid = directory.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            yield directory
