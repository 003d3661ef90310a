"""Dask's own pages of one cluster: on loopback, below a prefix that nobody can guess, shown by the session's server alone."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["FILE", "ROUTE", "Pages"]

ROUTE: Final = "sampan/dask"
"""Where the session's server shows them, below its own address; then a secret."""
FILE: Final = "pages.json"
"""In the folder of the cluster's keys, which only its owner reads: where its pages are."""


@dataclass(frozen=True)
class Pages:
    """`path` is the whole path in the browser, with 128 random bits in it; empty where no server of the person is beside us."""

    folder: Path
    path: str

    @classmethod
    def beside(cls, folder: Path, environ: Mapping[str, str] = os.environ) -> Pages:
        """Through the Jupyter server in whose job we are, by its own login; a kernel elsewhere has none."""
        prefix = environ.get("JUPYTERHUB_SERVICE_PREFIX", "")
        return cls(folder, f"{prefix}{ROUTE}/{secrets.token_hex(16)}/" if prefix.startswith("/") else "")

    @property
    def options(self) -> dict[str, Any]:
        """For Dask's scheduler. It always opens a web server beside its own protocol, and TLS does not cover that."""
        shown = {"http_prefix": self.path.rstrip("/")} if self.path else {}
        return {"dashboard": bool(self.path), "dashboard_address": "127.0.0.1:0", **shown}

    @property
    def config(self) -> dict[str, Any]:
        return {} if self.path else {"distributed.scheduler.http.routes": []}

    def announce(self, scheduler: Any) -> None:
        """Tells the session's server, through a file, where the pages of this scheduler are."""
        if self.path and "dashboard" in scheduler.services:
            file = self.folder / FILE
            file.touch(mode=0o600)
            file.write_text(json.dumps({"path": self.path, "port": scheduler.services["dashboard"].port}))
