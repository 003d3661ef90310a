"""Waiting for a real HTTP server that is not there yet, or not yet able to answer."""

from __future__ import annotations

import asyncio
import socket

import pytest

from sampan_hub.answering import answers


class Server:
    """Answers with each status in turn, then with the last one; keeps what it was asked."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            self.asked.append(head.decode())
            status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
            writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
            writer.close()
            return


async def test_it_waits_until_somebody_answers_well() -> None:
    """First nobody listens; then errors come, as from a hub that starts; the token and the verb arrive as given."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{sock.getsockname()[1]}/hub/api/proxy"
        waiting = asyncio.create_task(answers(url, "t0ken", "POST"))
        server = Server(503, 403, 200)
        await asyncio.sleep(0)
        assert not waiting.done()
        async with await asyncio.start_server(server.serve, sock=sock.dup()):
            await asyncio.wait_for(waiting, 20)
    assert len(server.asked) == 3
    assert server.asked[-1].startswith("POST /hub/api/proxy HTTP/1.1\r\n")
    assert "Authorization: token t0ken\r\n" in server.asked[-1]


async def test_a_redirection_is_not_an_answer_and_the_caller_has_the_deadline() -> None:
    server = Server(302)
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(answers(url), 0.5)
    assert server.asked
