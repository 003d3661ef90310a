"""What a session's Jupyter server is set to: kernels elsewhere among its own, and sessions that outlive it."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

__all__ = ["install"]

OLD: Final = 45 * 24 * 3600
"""Seconds after which a session is over for certain: longer than any centre's longest."""

_RATES: Final = {"iopub_msg_rate_limit": 25_000, "iopub_data_rate_limit": 32_000_000}
"""Messages and bytes a second. What a kernel said while nobody listened, up to 64 MB and 65,536 messages, comes at once, and
Jupyter measures over three seconds; what is dropped as too much never comes again."""


def install(root: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Writes `jupyter_server_config.json` below `root`, a directory on JUPYTER_CONFIG_PATH. Idempotent."""
    sessions = _sessions(environ)
    settings = {
        "ServerApp": {
            "kernel_manager_class": "sampan_kernels.session_kernels.SessionKernels",
            "kernel_spec_manager_class": "sampan_kernels.kernelspecs.CentreKernelSpecs",
            "kernel_websocket_connection_class": "sampan_kernels.page_way.PageWay",
            # What it answers crosses a link: settings, words of other languages and extensions shrink to a quarter.
            "tornado_settings": {"compress_response": True},
        },
        # JupyterHub reads it from the environment when it is imported, which may be in a template, before there is one. Its
        # cookies would then be sent to everybody's servers.
        "HubOAuth": {"base_url": environ.get("JUPYTERHUB_SERVICE_PREFIX") or "/"},
        "SessionKernels": {"sessions": sessions},
        "ServerKernelManager": {"restarter_class": "sampan_kernels.session_kernels.Restarter"},
        # Which notebook has which kernel. A page that is open when its server comes back finds both again.
        "SessionManager": {"database_filepath": sessions},
        "ZMQChannelsWebsocketConnection": _RATES,
    }
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    (root / "jupyter_server_config.json").write_text(json.dumps(settings), encoding="utf-8")


def _sessions(environ: Mapping[str, str]) -> str:
    """A file of this launch in the person's home, where the next attempt at this centre finds it, too.

    Where the home takes no such file (a network file system without locks, a full one), in the job's own folder.
    """
    launch = environ.get("SAMPAN_LAUNCH", "")
    home, run = environ.get("HOME"), environ.get("JUPYTER_RUNTIME_DIR")
    for folder in ([Path(home, ".sampan")] if home else []) + ([Path(run)] if run else []):
        file = folder / f"sessions-{launch}.db"
        with suppress(OSError, sqlite3.Error):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left in folder.glob("sessions-*.db"):
                if left.stat().st_mtime < time.time() - OLD:
                    left.unlink()
            with closing(sqlite3.connect(file, timeout=1)) as database, database:
                database.execute("BEGIN IMMEDIATE")
            return str(file)
    return ":memory:"
