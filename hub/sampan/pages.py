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

__all__ = ["FILE", "ROUTE", "SOCKETS", "Pages", "folder", "socket_name"]

ROUTE: Final = "sampan/dask"
"""Where the session's server shows them, below its own address; then a secret."""
FILE: Final = "pages.json"
"""In the folder of the cluster's keys, which only its owner reads: where its pages are."""
SOCKETS: Final = "pages-"
"""How the names of sockets begin by which the link of a kernel elsewhere leads to its pages; then a part of the secret."""


def folder(environ: Mapping[str, str]) -> str:
    """The job's own folder, in the home that the nodes share, and nobody else's: there lie the folders of its clusters."""
    home = environ.get("HOME") or str(Path.home())
    tag = environ.get("SAMPAN_TAG") or f"sampan-{environ.get('SAMPAN_LAUNCH', '')}"
    return environ.get("SAMPAN_ATTEMPT_DIR") or f"{home}/.sampan/attempts/{tag}"


def socket_name(secret: str) -> str:
    return f"{SOCKETS}{secret[:8]}"


@dataclass(frozen=True)
class Pages:
    """`path` is the whole path in the browser, with 128 random bits in it; empty where no server of the person shows them.

    `socket`: where a link finds them, in a kernel elsewhere.
    """

    directory: Path
    path: str
    socket: Path | None = None

    @classmethod
    def beside(cls, directory: Path, session: str = "", environ: Mapping[str, str] = os.environ) -> Pages:
        """Through the Jupyter server in whose job we are, by its own login. In a kernel elsewhere, through the one at the path
        `session`, over the kernel's link; nowhere, where the kernel belongs to none.
        """
        secret = secrets.token_hex(16)
        if (own := environ.get("JUPYTERHUB_SERVICE_PREFIX", "")).startswith("/"):
            return cls(directory, f"{own}{ROUTE}/{secret}/")
        if session.startswith("/") and (runtime := environ.get("JUPYTER_RUNTIME_DIR")):
            return cls(directory, f"{session}{ROUTE}/{secret}/", Path(runtime, socket_name(secret)))
        return cls(directory, "")

    @property
    def options(self) -> dict[str, Any]:
        """For Dask's scheduler. It always opens a web server beside its own protocol, and TLS does not cover that."""
        shown = {"http_prefix": self.path.rstrip("/")} if self.path else {}
        return {"dashboard": False, "dashboard_address": "127.0.0.1:0", "below": self.path, **shown}

    @property
    def config(self) -> dict[str, Any]:
        return {} if self.path else {"distributed.scheduler.http.routes": []}

    def announce(self, scheduler: Any) -> None:
        """Tells the session's server, through a file, where the pages of this scheduler are; or listens where the link leads to."""
        if not self.path:
            return
        _draw_when_asked(scheduler, self.path)
        if self.socket is not None:
            from tornado.netutil import bind_unix_socket

            scheduler.http_server.add_socket(bind_unix_socket(str(self.socket), mode=0o600))
            return
        file = self.directory / FILE
        file.touch(mode=0o600)
        file.write_text(json.dumps({"path": self.path, "port": scheduler.http_server.port}))

    def remove(self) -> None:
        """Idempotent."""
        if self.socket is not None:
            self.socket.unlink(missing_ok=True)


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
