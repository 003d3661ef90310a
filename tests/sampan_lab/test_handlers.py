"""The routes on a real Jupyter server: who is let in, and what is said while the broker is away."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sampan_lab.a_broker import Broker, a_broker
from tests.waiting import wait_until

TOKEN = "a-token-of-this-test"
HEADERS = {"Authorization": f"token {TOKEN}"}


@dataclass(frozen=True)
class Away:
    """A server, and its broker, in whose place the proxy answers that it is away."""

    socket: Path
    broker: Broker

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        with self.client() as client:
            return client.request(method, f"/sampan/api/{path}", **options)

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.HTTPTransport(uds=str(self.socket)), base_url="http://127.0.0.1")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with a_broker(tmp_path_factory.mktemp("broker") / "b.sock") as found:
        found.away = True
        yield found


@pytest.fixture(scope="module")
def server(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Away]:
    home = tmp_path_factory.mktemp("home")
    socket = home / "s.sock"
    environment = {
        **os.environ,
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_TOKEN": TOKEN,
        "SAMPAN_LAUNCH": "abcd1234",
        "SAMPAN_TAG": "sampan-test-abcd1234-1",
        "SAMPAN_CENTRE": "east",
        "SAMPAN_CENTRE_ZH": "东部中心",
        "SAMPAN_BROKER_URL": broker.url,
    }
    options = {
        "sock": socket,
        "root_dir": home,
        "allow_root": True,
        "open_browser": False,
        "jpserver_extensions": "{'sampan_lab.extension': True}",
    }
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyter_server",
                *(f"--ServerApp.{name}={value}" for name, value in options.items()),
            ],
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: socket.exists() or process.poll() is not None, 60)
        assert process.poll() is None, (home / "log").read_text()
        yield Away(socket, broker)
    finally:
        process.terminate()
        process.wait(30)


def test_a_page_is_told_of_its_session_while_the_broker_is_away(server: Away) -> None:
    answer = server.ask("GET", "session", headers=HEADERS)
    told = answer.json()
    assert (answer.status_code, told["asked"], told["seen"]) == (200, False, "alive")
    assert told["names"] == {"en": "east", "zh": "东部中心"}


def test_moving_on_without_a_broker_is_refused_in_both_languages(server: Away) -> None:
    answer = server.ask("POST", "move-on", headers=HEADERS)
    assert answer.status_code == 424
    error = answer.json()["error"]
    assert error["code"].startswith("broker.")
    assert error["en"]
    assert error["zh"]


@pytest.mark.parametrize(("body", "wish"), [("", {}), ('{"minutes": 90}', {"minutes": 90})])
def test_how_long_it_shall_be_is_the_broker_s_to_judge(server: Away, body: str, wish: object) -> None:
    server.ask("POST", "move-on", headers=HEADERS, content=body)
    assert server.broker.asked[-1] == ("POST /services/sampan/api/launches/abcd1234/move-on", wish)


@pytest.mark.parametrize("body", ["[1]", "{"])
def test_a_wish_is_an_object(server: Away, body: str) -> None:
    assert server.ask("POST", "move-on", headers=HEADERS, content=body).status_code == 400


def test_a_size_is_the_broker_s_to_judge(server: Away) -> None:
    server.ask("PUT", "clusters/abcd1234/size", headers=HEADERS, content='{"workers": "x"}')
    assert ("PUT /services/sampan/api/clusters/abcd1234/size", {"workers": "x"}) in server.broker.asked


def test_who_is_here_says_so(server: Away) -> None:
    assert server.ask("POST", "awake", headers=HEADERS).status_code == 204


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "centres"),
        ("GET", "launches"),
        ("DELETE", "launches/abcd1234"),
        ("POST", "place"),
        ("GET", "clusters"),
        ("PUT", "clusters/abcd1234/size"),
    ],
)
def test_a_panel_is_told_that_the_broker_is_away(server: Away, method: str, path: str) -> None:
    answer = server.ask(
        method, path, headers=HEADERS, **({"content": '{"options": {}}'} if path == "place" else {})
    )
    assert answer.status_code == 424
    assert answer.json()["error"]["zh"]


@pytest.mark.parametrize("body", ["", "[1]", '{"options": 1}'])
def test_options_are_an_object(server: Away, body: str) -> None:
    assert server.ask("POST", "place", headers=HEADERS, content=body).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "session"),
        ("POST", "move-on"),
        ("POST", "awake"),
        ("GET", "centres"),
        ("GET", "launches"),
        ("DELETE", "launches/abcd1234"),
        ("POST", "place"),
        ("GET", "clusters"),
        ("PUT", "clusters/abcd1234/size"),
    ],
)
def test_strangers_are_not_let_in(server: Away, method: str, path: str) -> None:
    assert server.ask(method, path).status_code == 403
    assert server.ask(method, path, headers={"Authorization": "token wrong"}).status_code == 403


@pytest.mark.parametrize("path", ["move-on", "awake"])
def test_another_site_s_page_cannot_use_a_person_s_cookies(server: Away, path: str) -> None:
    with server.client() as client:
        assert client.post("/login", data={"password": "no"}).status_code in (401, 403)
        client.get("/login")
        came = client.post("/login", data={"password": TOKEN, "_xsrf": client.cookies["_xsrf"]})
        assert came.status_code == 302
        assert client.get("/sampan/api/session").status_code == 200, "by the cookie"
        assert client.post(f"/sampan/api/{path}").status_code == 403
        own = client.post(f"/sampan/api/{path}", headers={"X-XSRFToken": client.cookies["_xsrf"]})
        assert own.status_code == (424 if path == "move-on" else 204)
