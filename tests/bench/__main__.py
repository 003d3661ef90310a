"""`make bench`: every measurement in turn, each with a limit, and one table at the end. Being slow is told, not punished."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Final

from tests.bench import (
    bench_catalogue,
    bench_dask,
    bench_federation,
    bench_first_cell,
    bench_hundred,
    bench_kernel,
    bench_link,
    bench_load,
    bench_placement,
    bench_prepared,
    bench_start,
)
from tests.bench.figures import Figure, table

BENCHES: Final[dict[str, tuple[float, Callable[[], Awaitable[list[Figure]]]]]] = {
    "placement": (60, lambda: asyncio.to_thread(bench_placement.run)),
    "catalogue": (900, bench_catalogue.run),
    "link": (90, bench_link.run),
    "start": (200, bench_start.run),
    "kernel": (400, bench_kernel.run),
    "prepared": (400, bench_prepared.run),
    "dask": (900, bench_dask.run),
    "federation": (900, bench_federation.run),
    "first_cell": (1500, bench_first_cell.run),
    "load": (900, bench_load.run),
    "hundred": (1200, bench_hundred.run),
}
"""Name → (seconds it may take, what to run)."""


async def main(names: list[str]) -> int:
    figures: list[Figure] = []
    broken = 0
    for name in names or BENCHES:
        limit, bench = BENCHES[name]
        print(f"measuring {name} (at most {limit:g} s)", flush=True)
        try:
            async with asyncio.timeout(limit):
                figures += await bench()
        except TimeoutError:
            print(f"{name}: not done within {limit:g} s", flush=True)
            broken = 1
    print(f"\n{table(figures)}\n\nkept in build/bench")
    return broken


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
