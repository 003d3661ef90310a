"""JupyterHub's single-user server, keeping its token to itself: `python -m sampan_lab.singleuser`."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from sampan_lab import kernelspec, labconfig, labextension, serverconfig
from sampan_lab.lightness import light_imports

__all__ = ["main", "prepare"]

PR_SET_PDEATHSIG: Final = 1
_PLAIN: Final = "SAMPAN_PLAIN_IMPORTS"
log = logging.getLogger(__name__)


def _write_nothing(_: object) -> None:
    """The server would write its address and its JupyterHub token into its runtime directory; nobody needs them there."""


def main() -> Any:
    """Starts the server that the arguments and the environment describe, and returns when it has ended."""
    ServerApp, singleuser = _imported()  # noqa: N806 (it is a class)
    ServerApp.write_server_info_file = _write_nothing
    ServerApp.write_browser_open_files = _write_nothing
    kernelspec.install(Path(os.environ["JUPYTER_PATH"].partition(":")[0]))
    labconfig.install(Path(os.environ["JUPYTER_CONFIG_PATH"].partition(":")[0]))
    serverconfig.install(Path(os.environ["JUPYTER_CONFIG_PATH"].partition(":")[0]))
    labextension.install(Path(os.environ["JUPYTER_PATH"].partition(":")[0]))
    return singleuser()


def _imported() -> tuple[Any, Callable[[], Any]]:
    """Jupyter's server and JupyterHub's beginning of it. Where they cannot be imported lightly: begun anew, plainly."""
    if _PLAIN in os.environ:
        return _import()
    try:
        return prepare()
    except Exception:
        log.exception("a light start fails; a plain one takes longer")
        argv = [sys.executable, *sys.orig_argv[1:]]
        os.execve(argv[0], argv, {**os.environ, _PLAIN: "1"})  # noqa: S606 (it becomes itself)


@cache
def prepare() -> tuple[Any, Callable[[], Any]]:
    """What :func:`main` needs, imported lightly; a template calls it before anybody wants a server. Raises what an import does."""
    with light_imports():
        return _import()


def _import() -> tuple[Any, Callable[[], Any]]:
    from jupyter_server.serverapp import ServerApp
    from jupyterhub.singleuser import main

    import_module("jupyterlab.labapp")  # the most of what they load later
    return ServerApp, main


def _end_with_parent() -> None:
    """A launcher that is killed takes its server along, in order; its kernels end with the server. prctl(2)"""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))


if __name__ == "__main__":
    _end_with_parent()
    main()
