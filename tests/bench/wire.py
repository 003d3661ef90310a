"""Both ends of a measured stream: `wire.py serve PATH` sends and echoes, `wire.py measure ADDRESS` asks and counts."""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Final

PIECE: Final = b"\0" * 65536
ECHO: Final = b"e" + b"\0" * 8


def serve(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        Path(path).unlink(missing_ok=True)
        listener.bind(path)
        listener.listen()
        print("listening", flush=True)
        while True:
            line, _ = listener.accept()
            threading.Thread(target=_answer, args=(line,), daemon=True).start()


def _answer(line: socket.socket) -> None:
    """Nine bytes ask: `d` and how many bytes to send, or `e` for an echo of whatever comes."""
    with line:
        kind, size = struct.unpack("!cQ", line.recv(9, socket.MSG_WAITALL))
        if kind == b"d":
            for _ in range(size // len(PIECE)):
                line.sendall(PIECE)
        else:
            while data := line.recv(65536):
                line.sendall(data)


def _open(address: str) -> socket.socket:
    if address.isdigit():
        line = socket.create_connection(("127.0.0.1", int(address)))
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line
    line = socket.socket(socket.AF_UNIX)
    line.connect(address)
    return line


def measure(address: str, size: int, turns: int) -> dict[str, object]:
    """Megabytes a second of one stream, and the milliseconds of each keystroke there and back."""
    with _open(address) as line:
        line.sendall(struct.pack("!cQ", b"d", size))
        began, got = time.perf_counter(), 0
        while got < size:
            got += len(line.recv(1 << 20))
        rate = size / (time.perf_counter() - began) / 1e6
    with _open(address) as line:
        line.sendall(ECHO)
        times = []
        for _ in range(turns):
            began = time.perf_counter()
            line.sendall(b"k")
            line.recv(1)
            times.append((time.perf_counter() - began) * 1000)
    return {"rate": rate, "turns": times}


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        print(json.dumps(measure(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
