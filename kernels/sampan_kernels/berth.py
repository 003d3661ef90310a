"""The launcher's own directory on the node: every socket of a session lies in it, and nobody else can enter."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

__all__ = ["Berth", "unix_url"]


@dataclass(frozen=True, slots=True)
class Berth:
    """A directory of mode 0700 with a short path.

    Short, because a unix socket's path has at most 107 bytes and a kernel's is `<runtime>/kernel-<36>-ipc-<n>`. Under
    /tmp, because the node's own file system takes sockets and a shared home may not.
    """

    directory: Path

    @classmethod
    def make(cls, parent: str = "/tmp") -> Berth:  # noqa: S108 (mkdtemp makes an unforeseeable name, mode 0700)
        berth = cls(Path(tempfile.mkdtemp(prefix="sampan-", dir=parent)))
        berth.runtime.mkdir(mode=0o700)
        return berth

    @property
    def server(self) -> Path:
        """Where the Jupyter server listens."""
        return self.directory / "server.sock"

    @property
    def hub(self) -> Path:
        """The hub's API, brought here by the link."""
        return self.directory / "hub.sock"

    @property
    def broker(self) -> Path:
        """The broker's API, brought here by the link."""
        return self.directory / "broker.sock"

    @property
    def runtime(self) -> Path:
        """JUPYTER_RUNTIME_DIR: kernels' connection files and sockets."""
        return self.directory / "run"

    @property
    def jupyter(self) -> Path:
        """On JUPYTER_PATH, before everything else: our kernelspec."""
        return self.directory / "jupyter"

    def remove(self) -> None:
        """Idempotent."""
        shutil.rmtree(self.directory, ignore_errors=True)


def unix_url(sock: Path, path: str) -> str:
    """An `http+unix` address, as JupyterHub's client and ours read it: the socket's path is the host, percent-encoded."""
    return f"http+unix://{quote(os.fspath(sock), safe='')}{path}"
