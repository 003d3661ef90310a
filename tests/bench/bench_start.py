"""From the click on Start to the first page: the embedded default beside JupyterHub as it comes, run by run in turn."""

from __future__ import annotations

import time
from contextlib import redirect_stdout
from io import StringIO
from typing import Final

from tests.bench.clicks import click, gone, stages_of
from tests.bench.figures import Figure, keep, measured
from tests.bench.stock_hub import stock_hub
from tests.ways.person import Person
from tests.ways.whole_hub import came, whole_hub

__all__ = ["run"]

RUNS: Final = 5


async def run() -> list[Figure]:
    ours: list[float] = []
    stock: list[float] = []
    stages: list[dict[str, float]] = []
    # The hub tells its logs when it ends, for a test that has failed.
    with redirect_stdout(StringIO()):
        await _turns(ours, stock, stages)
    peer_figure = measured("start, JupyterHub as it comes", "s", stock)
    figures = [
        measured("start, click to page", "s", ours, peer="stock", peer_median=peer_figure.median),
        peer_figure,
        *(measured(f"  of it {name}", "s", [one.get(name, 0.0) for one in stages]) for name in stages[0]),
    ]
    keep("start", figures, runs={"sampan": ours, "stock": stock, "stages": stages})
    return figures


async def _turns(ours: list[float], stock: list[float], stages: list[dict[str, float]]) -> None:
    async with (
        whole_hub() as hub,
        stock_hub() as peer,
        Person(hub, "alice") as alice,
        Person(peer, "alice") as other,
    ):
        for _ in range(RUNS):
            clicked = time.time()
            ours.append(await click(alice))
            stages.append(await stages_of(hub, alice, clicked, clicked + ours[-1]))
            await alice.stop()
            await alice.at("ended")
            await came(lambda: gone(alice))
            stock.append(await click(other))
            await other.stop()
            await came(lambda: gone(other))
