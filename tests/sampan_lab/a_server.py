"""A real Jupyter server with our extension, on a unix socket."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.sampan_lab.a_broker import Broker
from tests.waiting import wait_until

__all__ = ["HEADERS", "TAG", "TOKEN", "Server", "a_server"]

TOKEN = "a-token-of-this-test"
TAG = "sampan-test-abcd1234-1"
HEADERS = {"Authorization": f"token {TOKEN}"}


@dataclass(frozen=True)
class Server:
    """A server at `socket`, what it is asked through it, and its broker."""

    home: Path
    socket: Path
    broker: Broker

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        with self.client() as client:
            return client.request(method, f"/sampan/api/{path}", **options)

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.HTTPTransport(uds=str(self.socket)), base_url="http://127.0.0.1")


@contextmanager
def a_server(broker: Broker, home: Path) -> Iterator[Server]:
    """Runs until the context ends. `home` is its person's."""
    socket = home / "s.sock"
    environment = {
        **os.environ,
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_TOKEN": TOKEN,
        "SAMPAN_LAUNCH": "abcd1234",
        "SAMPAN_TAG": TAG,
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
        yield Server(home, socket, broker)
    finally:
        process.terminate()
        process.wait(30)
