"""The launcher's own directory on the node: every socket of a session lies in it, and nobody else can enter."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

__all__ = ["Berth", "unix_url"]

PREFIX: Final = "sampan-job_"
"""Of directories that are ours to remove; nothing else on the machine is called so."""
_NAME: Final = re.compile(PREFIX + "[a-z0-9_]{8}")
YOUNG: Final = 10.0
"""Seconds during which a directory without a lock is left alone."""


@dataclass(frozen=True, slots=True)
class Berth:
    """A directory of mode 0700 with a short path.

    Short, because a unix socket's path has at most 107 bytes and a kernel's is `<runtime>/kernel-<36>-ipc-<n>`. Under
    /tmp, because the node's own file system takes sockets and a shared home may not.
    """

    directory: Path
    lock: int = field(default=-1, compare=False)
    """A descriptor that holds the lock of `directory` as long as this process lives, however it ends."""

    @classmethod
    def make(cls, parent: str = "/tmp") -> Berth:  # noqa: S108 (mkdtemp makes an unforeseeable name, mode 0700)
        """A new one; those of this account whose launcher was killed before it could clear up are removed."""
        for left in Path(parent).glob(f"{PREFIX}*"):
            if _NAME.fullmatch(left.name):
                _remove_if_left(left)
        directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        berth = cls(directory, _take(directory))
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

    def template(self, kind: str) -> Path:
        """Where forks of that kind are claimed."""
        return self.directory / f"template-{kind}.sock"

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
        with suppress(OSError):
            os.close(self.lock)


def unix_url(sock: Path, path: str) -> str:
    """An `http+unix` address, as JupyterHub's client and ours read it: the socket's path is the host, percent-encoded."""
    return f"http+unix://{quote(os.fspath(sock), safe='')}{path}"


def _take(directory: Path) -> int:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _remove_if_left(directory: Path) -> None:
    """Removes the directory of a launcher of this account that lives no more. Anybody may make a name like ours."""
    try:
        about = directory.lstat()
        # The newest may be between its making and its lock.
        if (
            about.st_uid != os.geteuid()
            or not stat.S_ISDIR(about.st_mode)
            or time.time() - about.st_ctime < YOUNG
        ):
            return
        handle = _take(directory)
    except OSError:
        return
    shutil.rmtree(directory, ignore_errors=True)
    os.close(handle)
