"""What a stranger on this machine gets from ports and sockets. Runs by itself, as another account, on what is installed.

`python -c SOURCE` with `{"tcp": [[host, port], …], "unix": [path, …], "broker": port, "secret": text}` on stdin; an
answer as JSON on stdout: what was said, by address. Nothing of the checkout is imported: another account may not read it.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import sys
from typing import Any, Final

SECONDS: Final = 0.7
WORDS: Final = {
    "silence": b"",
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "pages": b"GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "server": b"GET /user/alice/api/kernels HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    # Dask: eight bytes of how many frames, eight of how long, and a message in msgpack.
    "dask": b"\x01" + b"\0" * 7 + b"\x10" + b"\0" * 7 + b"\x82\xa2op\xa8identity\xa5reply\xc3",
}


def _line(address: Any) -> socket.socket:
    family = (
        socket.AF_UNIX
        if isinstance(address, str)
        else socket.AF_INET6
        if ":" in address[0]
        else socket.AF_INET
    )
    line = socket.socket(family)
    line.settimeout(SECONDS)
    line.connect(address if isinstance(address, str) else tuple(address))
    return line


def _all(line: socket.socket) -> bytes:
    told = b""
    try:
        while part := line.recv(65536):
            told += part
    except OSError:
        pass
    return told


def say(address: Any, words: bytes, *, encrypted: bool = False) -> str:
    """What is answered; a refusal in words between angle brackets."""
    try:
        with _line(address) as line:
            if encrypted:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                line = context.wrap_socket(line)
            line.sendall(words)
            return _all(line).decode("latin-1")
    except PermissionError:
        return "<no permission>"
    except OSError as error:
        return f"<{type(error).__name__}>"


async def ask_ssh(host: str, port: int) -> str:
    """Whether a launcher lets a stranger in who has the right user name and a key of their own."""
    import asyncssh

    key = asyncssh.generate_private_key("ssh-ed25519")
    options: dict[str, Any] = {"known_hosts": None, "config": None, "agent_path": None, "gss_host": None}
    said = []
    for way in ({"client_keys": [key]}, {"password": "", "client_keys": None}, {"client_keys": None}):
        try:
            async with asyncssh.connect(host, port, username="sampan", **options, **way):
                said.append("<let in>")
        except asyncssh.PermissionDenied:
            said.append("<denied>")
    return " ".join(said)


def main() -> None:
    asked = json.load(sys.stdin)
    answers: dict[str, dict[str, str]] = {}
    for host, port in asked["tcp"]:
        told = {name: say([host, port], words) for name, words in WORDS.items() if name != "silence"}
        told["tls"] = say([host, port], WORDS["dask"], encrypted=True)
        told["tls http"] = say([host, port], WORDS["http"], encrypted=True)
        if told["http"].startswith("SSH-"):
            told["ssh"] = asyncio.run(ask_ssh(host, port))
        answers[f"{host} {port}"] = told
    for path in asked["unix"]:
        answers[path] = {"http": say(path, WORDS["http"])}
    for proof in (
        "",
        f"Authorization: Sampan {asked['secret']}\r\nX-Sampan-User: alice\r\n",
        "Authorization: token x\r\n",
    ):
        for path in ("launches", "centres", "problems", "launches?owner=*") if asked["broker"] else ():
            words = f"GET /services/sampan/api/{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{proof}\r\n"
            answers.setdefault("broker", {})[f"{path} {proof[:22]}"] = say(
                ["127.0.0.1", asked["broker"]], words.encode()
            )
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
