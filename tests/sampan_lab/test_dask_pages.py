"""Dask's pages through a real Jupyter server: who is let in, what is passed on, and what is believed of where they are."""

from __future__ import annotations

import json
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sampan_lab.dask_pages import own_ports
from tests.sampan_lab.a_broker import a_broker
from tests.sampan_lab.a_server import HEADERS, TAG, TOKEN, Server, a_server


class Pages(BaseHTTPRequestHandler):
    """Notes what it is asked, and by which headers."""

    asked: list[tuple[str, dict[str, str]]]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Set-Cookie", "stolen=1")
        self.end_headers()
        self.wfile.write(b"<p>tasks</p>")


@contextmanager
def some_pages() -> Iterator[tuple[int, list[tuple[str, dict[str, str]]]]]:
    kind = type("Noted", (Pages,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1], kind.asked  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    place = tmp_path_factory.mktemp("place")
    with a_broker(place / "b.sock") as broker:
        (place / "home").mkdir()
        with a_server(broker, place / "home") as found:
            yield found


def announced(server: Server, port: int) -> str:
    """A new cluster's secret path, as its scheduler announces it."""
    path = f"/sampan/dask/{secrets.token_hex(16)}/"
    folder = server.home / ".sampan" / "attempts" / TAG / f"dask-{secrets.token_hex(4)}"
    folder.mkdir(parents=True)
    (folder / "pages.json").write_text(json.dumps({"path": path, "port": port}), encoding="utf-8")
    return path


def test_a_page_is_passed_on_and_what_proves_who_asks_is_not(server: Server) -> None:
    with some_pages() as (port, asked), server.client() as client:
        path = announced(server, port)
        answer = client.get(f"{path}status?a=b%20c", headers={**HEADERS, "Cookie": "mine=1"})
        assert (answer.status_code, answer.text) == (200, "<p>tasks</p>")
        assert "stolen" not in answer.headers.get("Set-Cookie", "")
        assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'self'"
        [(seen, headers)] = asked
        assert seen == f"{path}status?a=b%20c"
        assert not {"authorization", "cookie"} & headers.keys()
        assert TOKEN not in str(headers)


def test_strangers_see_nothing(server: Server) -> None:
    with some_pages() as (port, asked), server.client() as client:
        path = announced(server, port)
        assert client.get(f"{path}status").status_code in (302, 403)
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        key = {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
        assert client.get(f"{path}status/ws", headers={**upgrade, **key}).status_code in (302, 403)
        assert asked == []


def test_an_unknown_secret_and_what_has_ended_are_not_found(server: Server) -> None:
    with server.client() as client:
        unknown = f"/sampan/dask/{secrets.token_hex(16)}/status"
        assert client.get(unknown, headers=HEADERS).status_code == 404
        with some_pages() as (port, _):
            path = announced(server, port)
        assert client.get(f"{path}status", headers=HEADERS).status_code == 404


def test_only_ports_at_which_this_account_listens_are_believed() -> None:
    with socket.socket() as mine:
        mine.bind(("127.0.0.1", 0))
        port = mine.getsockname()[1]
        assert port not in own_ports()
        mine.listen()
        assert port in own_ports()
