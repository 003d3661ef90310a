"""Dask's own pages of the person's clusters, behind the server's login: `sampan/dask/<secret>/…`.

Those of this job are on this machine's loopback, below a prefix that nobody can guess; where, a file of the person's own tells.
Those of kernels elsewhere are reached over their links (see :mod:`far_pages`). Nothing of the browser's is handed on that
proves who somebody is.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado import web
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.netutil import Resolver
from tornado.simple_httpclient import SimpleAsyncHTTPClient
from tornado.websocket import WebSocketClientConnection, WebSocketError, WebSocketHandler, websocket_connect

if TYPE_CHECKING:
    from sampan_lab.asking import Asking

__all__ = ["PATTERN", "PagesHandler"]

PATTERN: Final = r"sampan/dask/(?P<secret>[0-9a-f]{32})/.*"
_SECONDS: Final = 20.0
_LARGEST: Final = 64 << 20
_LISTENS: Final = "0A"
_LOOPBACK: Final = "0100007F"
"""127.0.0.1 as the kernel writes it on a little-endian machine."""
_ASKED: Final = ("Accept", "Accept-Language", "If-None-Match", "Content-Type")
_ANSWERED: Final = ("Content-Type", "Cache-Control", "Etag", "Last-Modified", "Location")


def port_of(secret: str) -> int | None:
    """The port on this machine that cluster's pages are at; None where there is none (any more)."""
    from sampan.pages import FILE, folder

    for file in Path(folder(os.environ)).glob(f"dask-*/{FILE}"):
        try:
            told = json.loads(file.read_text())
            if str(told["path"]).endswith(f"/{secret}/") and int(told["port"]) in own_ports():
                return int(told["port"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


def own_ports() -> frozenset[int]:
    """The ports at which processes of this account listen on loopback.

    A scheduler that was killed leaves its word behind, and its port to whoever binds it next: a neighbour's pages would else
    be shown as the person's own. https://docs.kernel.org/networking/proc_net_tcp.html
    """
    rows = (line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:])
    mine = (row[1] for row in rows if row[3] == _LISTENS and int(row[7]) == os.getuid())
    return frozenset(
        int(port, 16) for host, _, port in (one.partition(":") for one in mine) if host == _LOOPBACK
    )


class PagesHandler(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """GET: one page, as Dask gives it, or one of its sockets. A page that refreshes itself is no sign of a person who works."""

    auth_resource = "sampan"
    # Shown in tabs of this server's own Lab; JupyterHub forbids every frame.
    content_security_policy = "frame-ancestors 'self'"
    _track_activity = False
    _there: WebSocketClientConnection | None = None
    _spoken: list[str] | None = None
    _resolver: Resolver | None = None

    def initialize(self, asking: Asking) -> None:
        self._asking = asking

    @web.authenticated
    @authorized
    async def get(self, secret: str) -> None:  # type: ignore[override]
        self._way = f"{await self._place(secret)}{self.request.uri}"
        if self.request.headers.get("Upgrade", "").lower() == "websocket":
            await super().get(secret)
        else:
            await self._page()

    async def _place(self, secret: str) -> str:
        """Host and port; 404 where there are no such pages."""
        if (port := port_of(secret)) is not None:
            return f"127.0.0.1:{port}"
        from sampan.stream import UnixResolver
        from sampan_lab.far_pages import FarPages

        far: FarPages = self.settings.setdefault("sampan_far_pages", FarPages(self._asking))
        if (way := await far.way(secret)) is None:
            raise web.HTTPError(404)
        self._resolver = UnixResolver(path=way)
        return "127.0.0.1"

    async def _page(self) -> None:
        headers = {name: self.request.headers[name] for name in _ASKED if name in self.request.headers}
        asked = HTTPRequest(
            f"http://{self._way}", headers=headers, follow_redirects=False, request_timeout=_SECONDS
        )
        client = SimpleAsyncHTTPClient(force_instance=True, resolver=self._resolver)
        try:
            told = await client.fetch(asked, raise_error=False)
        except OSError as error:
            raise web.HTTPError(404) from error
        finally:
            client.close()
        self.set_status(504 if told.code == 599 else told.code)
        for name in _ANSWERED:
            if name in told.headers:
                self.set_header(name, told.headers[name])
        if told.body and told.code not in (204, 304):
            self.write(told.body)
        self.finish()

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """The first is the protocol's name; Bokeh puts its session's token behind it."""
        self._spoken = subprotocols
        return subprotocols[0] if subprotocols else None

    async def open(self, secret: str) -> None:
        asked = HTTPRequest(f"ws://{self._way}", connect_timeout=_SECONDS)
        try:
            self._there = await websocket_connect(
                asked,
                on_message_callback=self._heard,
                subprotocols=self._spoken,
                max_message_size=_LARGEST,
                resolver=self._resolver,
            )
        except (OSError, HTTPClientError, WebSocketError) as error:
            self.log.info("Dask's page does not answer: %s", error)
            self.close()

    def _heard(self, message: str | bytes | None) -> None:
        if message is None:
            self.close()
        elif self.ws_connection is not None:
            self.write_message(message, binary=isinstance(message, bytes))

    def on_message(self, message: str | bytes) -> None:
        if self._there is not None:
            self._there.write_message(message, binary=isinstance(message, bytes))

    def on_close(self) -> None:
        if self._there is not None:
            self._there.close()
