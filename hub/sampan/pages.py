"""Dask's own pages of one cluster: on loopback, below a prefix that nobody can guess, shown by the session's server alone."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["FILE", "ROUTE", "Pages", "folder"]

ROUTE: Final = "sampan/dask"
"""Where the session's server shows them, below its own address; then a secret."""
FILE: Final = "pages.json"
"""In the folder of the cluster's keys, which only its owner reads: where its pages are."""


def folder(environ: Mapping[str, str]) -> str:
    """The job's own folder, in the home that the nodes share, and nobody else's: there lie the folders of its clusters."""
    home = environ.get("HOME") or str(Path.home())
    tag = environ.get("SAMPAN_TAG") or f"sampan-{environ.get('SAMPAN_LAUNCH', '')}"
    return environ.get("SAMPAN_ATTEMPT_DIR") or f"{home}/.sampan/attempts/{tag}"


@dataclass(frozen=True)
class Pages:
    """`path` is the whole path in the browser, with 128 random bits in it; empty where no server of the person is beside us."""

    directory: Path
    path: str

    @classmethod
    def beside(cls, directory: Path, environ: Mapping[str, str] = os.environ) -> Pages:
        """Through the Jupyter server in whose job we are, by its own login; a kernel elsewhere has none."""
        prefix = environ.get("JUPYTERHUB_SERVICE_PREFIX", "")
        return cls(directory, f"{prefix}{ROUTE}/{secrets.token_hex(16)}/" if prefix.startswith("/") else "")

    @property
    def options(self) -> dict[str, Any]:
        """For Dask's scheduler. It always opens a web server beside its own protocol, and TLS does not cover that."""
        shown = {"http_prefix": self.path.rstrip("/")} if self.path else {}
        return {"dashboard": False, "dashboard_address": "127.0.0.1:0", "below": self.path, **shown}

    @property
    def config(self) -> dict[str, Any]:
        return {} if self.path else {"distributed.scheduler.http.routes": []}

    def announce(self, scheduler: Any) -> None:
        """Tells the session's server, through a file, where the pages of this scheduler are."""
        if not self.path:
            return
        _draw_when_asked(scheduler, self.path)
        file = self.directory / FILE
        file.touch(mode=0o600)
        file.write_text(json.dumps({"path": self.path, "port": scheduler.http_server.port}))


def _draw_when_asked(scheduler: Any, path: str) -> None:
    """Bokeh, which draws the pages, takes half a second to import: it is, when somebody first looks."""
    from tornado.web import RedirectHandler, RequestHandler

    application = scheduler.http_application

    class First(RequestHandler):
        def get(self) -> None:
            from distributed.dashboard.scheduler import connect

            if rules:
                application.default_router.rules.remove(rules.pop())
                connect(application, scheduler.http_server, scheduler, prefix=path.strip("/"))  # type: ignore[no-untyped-call]
            self.redirect(str(self.request.uri))

    root = re.escape(path)
    application.add_handlers(".*", [(root, RedirectHandler, {"url": f"{path}status", "permanent": False})])
    before = list(application.default_router.rules)
    application.add_handlers(".*", [(rf"{root}(?:status|individual-[a-z0-9-]+|[a-z-]+/ws)", First)])
    rules = [rule for rule in application.default_router.rules if rule not in before]
