"""A person at the hub: what their browser says to it, without a browser."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any, Self
from urllib.parse import quote

import httpx
from tornado.httpclient import HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from tests.ways.whole_hub import WholeHub, came, token_in

__all__ = ["Kernel", "Person"]

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}


class Person:
    """Logged in under a name. `async with` logs in."""

    def __init__(self, hub: WholeHub, name: str, password: str | None = None) -> None:
        self.hub = hub
        self.name = name
        self._password = password or hub.password
        self.client = httpx.AsyncClient(base_url=hub.url, timeout=60, follow_redirects=True)
        self._kernels: list[Kernel] = []

    async def __aenter__(self) -> Self:
        try:
            await self._log_in()
        except BaseException:
            await self.client.aclose()
            raise
        return self

    async def _log_in(self) -> None:
        page = await self.client.get("/hub/login")
        form = {"username": self.name, "password": self._password, "_xsrf": token_in(page.text)}
        answer = await self.client.post("/hub/login", data=form)
        # It leads to one's own server, which may have been stopped a moment ago.
        if answer.status_code != httpx.codes.FAILED_DEPENDENCY:
            answer.raise_for_status()

    async def __aexit__(self, *_: object) -> None:
        for kernel in self._kernels:
            await kernel.leave()
        await self.client.aclose()

    async def _token(self) -> str:
        return token_in((await self.client.get("/hub/home")).text)

    async def api(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The hub's own API, as its pages use it."""
        token = await self._token()
        headers = {**SAME_ORIGIN, "X-XSRFToken": token}
        return await self.client.request(
            method, f"/hub/api{path}", headers=headers, params={"_xsrf": token}, **options
        )

    async def start(self, server: str = "", **options: str) -> httpx.Response:
        """Presses Start on the page."""
        path = f"/hub/spawn/{quote(self.name)}/{server}" if server else "/hub/spawn"
        token = token_in((await self.client.get(path)).text)
        return await self.client.post(f"{path}?_xsrf={token}", data=options or {"plan": "light"})

    async def stop(self, server: str = "") -> httpx.Response:
        return await self.api(
            "DELETE", f"/users/{quote(self.name)}/{'servers/' + server if server else 'server'}"
        )

    async def server(self, name: str = "") -> dict[str, Any]:
        """The hub's model of a server; empty while there is none."""
        answer = await self.api("GET", f"/users/{quote(self.name)}")
        found: dict[str, Any] = answer.json().get("servers", {}).get(name, {}) if answer.is_success else {}
        return found

    async def ready(self, name: str = "", deadline: float = 60.0) -> None:
        async def is_ready() -> bool:
            return bool((await self.server(name)).get("ready"))

        await came(is_ready, deadline, every=0.3)

    async def launch(self, name: str = "", *, ended: bool = False) -> dict[str, Any]:
        """The broker's view of one's newest launch of a server; empty while there is none."""
        found = [one for one in await self.hub.launches(self.name, ended=ended) if one["name"] == name]
        return found[0] if found else {}

    async def at(self, stage: str, name: str = "", deadline: float = 60.0) -> dict[str, Any]:
        """The launch once it is in that stage; where it does not come there, what became of it instead."""
        launch: dict[str, Any] = {}

        async def there() -> bool:
            launch.clear()
            launch.update(await self.launch(name, ended=stage == "ended"))
            return launch.get("stage") == stage

        try:
            # A crowd that asks ten times a second each would be the load that it measures.
            await came(there, deadline, every=0.4)
        except AssertionError as error:
            raise AssertionError(
                f"{self.name} is not {stage}: {json.dumps(launch, ensure_ascii=False)}"
            ) from error
        return launch

    async def socket(self, path: str) -> WebSocketClientConnection:
        """A websocket to that path, as a page of theirs opens it."""
        cookies = [c for c in self.client.cookies.jar if path.startswith(c.path)]
        request = HTTPRequest(
            f"{self.hub.url.replace('http', 'ws', 1)}{path}",
            headers={"Cookie": "; ".join(f"{c.name}={c.value}" for c in cookies), "Origin": self.hub.url},
            connect_timeout=10,
            request_timeout=10,
        )
        return await websocket_connect(request)

    def path(self, server: str = "") -> str:
        return f"/user/{quote(self.name)}/{server}/" if server else f"/user/{quote(self.name)}/"

    async def kernel(self, server: str = "", name: str = "python3") -> Kernel:
        """A new kernel in one's running server, of that kernelspec."""
        return self._kernel(server, await self._made(server, "kernels", name=name))

    async def notebook(self, server: str = "", name: str = "python3") -> Kernel:
        """The same as that of a notebook's, which its server's next one finds again."""
        what = {"path": f"{uuid.uuid4().hex}.ipynb", "type": "notebook", "name": "", "kernel": {"name": name}}
        return self._kernel(server, (await self._made(server, "sessions", **what))["kernel"])

    async def _made(self, server: str, what: str, **how: Any) -> dict[str, Any]:
        path = self.path(server)
        page = await self.client.get(f"{path}lab")
        page.raise_for_status()
        answer = await self._send("POST", path, f"api/{what}", json=how)
        answer.raise_for_status()
        made: dict[str, Any] = answer.json()
        return made

    def _kernel(self, server: str, model: dict[str, Any]) -> Kernel:
        self._kernels.append(kernel := Kernel(self, f"{self.path(server)}api/kernels/{model['id']}"))
        return kernel

    async def _send(self, method: str, server_path: str, path: str, **options: Any) -> httpx.Response:
        tokens = [cookie for cookie in self.client.cookies.jar if cookie.name == "_xsrf"]
        mine = [cookie.value for cookie in tokens if cookie.path == server_path]
        headers = {**SAME_ORIGIN, "X-XSRFToken": str(mine[0] if mine else "")}
        return await self.client.request(method, f"{server_path}{path}", headers=headers, **options)


class Kernel:
    """A kernel behind proxy, door and link. A lost connection is made anew, as a notebook page does."""

    def __init__(self, person: Person, path: str) -> None:
        self.person = person
        self.path = path
        self.page = uuid.uuid4().hex
        """By which a server knows the page again that comes back."""
        self.connections = 0
        """How often one was made."""
        self._socket: WebSocketClientConnection | None = None

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def leave(self) -> None:
        """Closes, and waits until the other end has closed too."""
        socket = self._socket
        self.close()
        if socket is not None:
            with suppress(TimeoutError, WebSocketClosedError, StreamClosedError):
                async with asyncio.timeout(5):
                    while await socket.read_message() is not None:
                        pass

    async def wake(self) -> None:
        """Connects, as soon as there is a server."""

        async def connects() -> bool:
            with suppress(ConnectionError):
                return bool(await self._connect())
            return False

        await came(connects, 60)

    async def run(self, code: str, deadline: float = 60.0) -> str:
        """Runs code and returns what it printed; fails with the traceback where it raised."""

        async def once() -> list[str] | None:
            try:
                return [await self._run(code)]
            except (ConnectionError, WebSocketClosedError, StreamClosedError):
                self.close()
                return None

        answer: list[str] = await came(once, deadline, every=0.5)
        return answer[0]

    async def _run(self, code: str) -> str:
        asked = await self.ask(code)
        return "".join([text async for text in self.said(asked)])

    async def ask(self, code: str) -> str:
        """Asks for a cell to be run, and returns the number of its request."""
        socket = await self._connect()
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "username": "",
            "session": self.page,
        }
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "allow_stdin": False,
            "stop_on_error": True,
        }
        message = {
            "header": {**header, "version": "5.3"},
            "parent_header": {},
            "metadata": {},
            "content": content,
        }
        await socket.write_message(json.dumps({**message, "channel": "shell", "buffers": []}))
        return header["msg_id"]

    async def said(self, asked: str) -> AsyncGenerator[str]:
        """What a cell prints, as it comes, up to its end; fails with the traceback where it raises."""
        socket = await self._connect()
        while True:
            line = await socket.read_message()
            if line is None:
                raise ConnectionError("closed")
            got = json.loads(line)
            if got["parent_header"].get("msg_id") != asked:
                continue
            if got["msg_type"] == "stream":
                yield got["content"]["text"]
            elif got["msg_type"] == "error":
                raise AssertionError("\n".join(got["content"]["traceback"]))
            elif got["msg_type"] == "status" and got["content"]["execution_state"] == "idle":
                return

    async def _connect(self) -> WebSocketClientConnection:
        if self._socket is None:
            try:
                self._socket = await self.person.socket(f"{self.path}/channels?session_id={self.page}")
            except Exception as error:
                raise ConnectionError(str(error)) from error
            self.connections += 1
        return self._socket
