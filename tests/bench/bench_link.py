"""One stream through door and link, beside the same stream straight to the server's socket, run by run in turn.

Client, server, launcher and the side of the broker are a process each, as they are in life; they share this machine's cores.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any, Final

from sampan_hub.doors import Doors
from tests.bench import wire
from tests.bench.figures import Figure, keep, measured
from tests.launched import launched

__all__ = ["run"]

RUNS: Final = 5
SIZE: Final = 128 * 2**20
TURNS: Final = 300
SLOWER: Final = 5.0
"""Milliseconds that a keystroke may take longer."""


async def run() -> list[Figure]:
    through: list[dict[str, Any]] = []
    direct: list[dict[str, Any]] = []
    async with launched() as job:
        link = await job.link()
        path = f"{link.greeting.sockets}/server.sock"
        server = await asyncio.create_subprocess_exec(
            *(sys.executable, str(Path(wire.__file__)), "serve", path), stdout=asyncio.subprocess.PIPE
        )
        doors = Doors((25000, 25999), accounts=frozenset({os.getuid()}), kept={})
        try:
            assert server.stdout is not None
            await server.stdout.readline()
            port = await doors.open("bench")
            doors.attach("bench", link)
            for _ in range(RUNS):
                through.append(await _measure(str(port)))
                direct.append(await _measure(path))
        finally:
            await doors.close()
            server.kill()
            await server.wait()
            await link.close()
    return _figures(through, direct)


async def _measure(address: str) -> dict[str, Any]:
    client = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(wire.__file__)), "measure", address, str(SIZE), str(TURNS)),
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, _ = await client.communicate()
    found: dict[str, Any] = json.loads(out)
    return found


def _figures(through: list[dict[str, Any]], direct: list[dict[str, Any]]) -> list[Figure]:
    rate = statistics.median(one["rate"] for one in direct)
    straight = measured("", "ms", [turn for one in direct for turn in one["turns"]])
    turns = [turn for one in through for turn in one["turns"]]
    more = statistics.median(turns) - straight.median
    figures = [
        measured(
            "stream through door and link",
            "MB/s",
            [one["rate"] for one in through],
            peer="direct",
            peer_median=rate,
        ),
        measured(
            *("keystroke through door and link", "ms", turns),
            peer="direct",
            peer_median=straight.median,
            reach=f"<= {SLOWER:g} ms above direct",
            met=more <= SLOWER,
        ),
    ]
    keep("link", figures, direct={"rate": rate, "keystroke": straight.median, "keystroke_p95": straight.p95})
    return figures
