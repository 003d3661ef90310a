"""JupyterHub's single-user server, keeping its token to itself: `python -m sampan_lab.singleuser`."""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path
from typing import Any, Final

from jupyter_server.serverapp import ServerApp

from sampan_lab import kernelspec, labconfig, labextension

__all__ = ["main"]

PR_SET_PDEATHSIG: Final = 1


def _write_nothing(_: ServerApp) -> None:
    """The server would write its address and its JupyterHub token into its runtime directory; nobody needs them there."""


def main() -> Any:
    """Starts the server that the arguments and the environment describe, and returns when it has ended."""
    _end_with_parent()
    ServerApp.write_server_info_file = _write_nothing  # type: ignore[assignment, method-assign]
    ServerApp.write_browser_open_files = _write_nothing  # type: ignore[assignment, method-assign]
    kernelspec.install(Path(os.environ["JUPYTER_PATH"].partition(":")[0]))
    labconfig.install(Path(os.environ["JUPYTER_CONFIG_PATH"].partition(":")[0]))
    labextension.install(Path(os.environ["JUPYTER_PATH"].partition(":")[0]))
    from jupyterhub.singleuser import main as singleuser

    return singleuser()


def _end_with_parent() -> None:
    """A launcher that is killed takes its server along, in order; its kernels end with the server. prctl(2)"""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))


if __name__ == "__main__":
    main()
