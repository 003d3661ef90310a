"""A broker on a unix socket that notes what it is asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from queue import Queue
from socketserver import ThreadingUnixStreamServer
from urllib.parse import quote

__all__ = ["Broker", "a_broker"]


class Broker(ThreadingUnixStreamServer):
    """Notes what it is asked and answers with a launch; as the proxy in front of it while it is `away`."""

    daemon_threads = True
    away = False

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), Answer)
        self.asked: list[tuple[str, object]] = []
        self.answers: dict[str, object] = {}
        """The end of a path → what is answered there; a launch elsewhere."""
        self.steps: dict[str, Queue[dict[str, object]]] = {}
        """Launch → the events of its stream, each told when it is put in; without a queue there is no such launch."""

    @property
    def url(self) -> str:
        return f"http+unix://{quote(str(self.server_address), safe='')}/services/sampan"


class Answer(BaseHTTPRequestHandler):
    server: Broker
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "a session"

    def log_message(self, *_: object) -> None:
        pass

    def answer(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((f"{self.command} {self.path}", json.loads(sent or "null")))
        *_, launch, last = self.path.split("/")
        if last == "events":
            self.stream(self.server.steps.get(launch))
            return
        told = self.server.answers.get(last, {"id": "abcd1234", "seen": "alive"})
        body = b"" if self.server.away else json.dumps(told).encode()
        self.send_response(503 if self.server.away else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, steps: Queue[dict[str, object]] | None) -> None:
        self.send_response(404 if steps is None else 200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        number, step = 0, {} if steps is None else steps.get()
        while step:
            number += 1
            self.wfile.write(f"id: {number}\ndata: {json.dumps(step)}\n\n".encode())
            step = steps.get() if steps is not None and step.get("final") != "ended" else {}

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815


@contextmanager
def a_broker(path: Path) -> Iterator[Broker]:
    with Broker(path) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
