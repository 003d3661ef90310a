"""The cells that are run everywhere, with and without workers: the results must be the same to the last bit."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["COMPUTE", "alone"]

COMPUTE: Final = """
import hashlib, time, dask, numpy
def part(seed):
    time.sleep({pause})
    numbers = numpy.random.default_rng(seed).standard_normal(20_000)
    return numpy.sqrt(numpy.abs(numbers)).cumsum()
def joined(parts):
    return hashlib.sha256(numpy.stack(parts).sum(axis=0).tobytes()).hexdigest()
graph = dask.delayed(joined)([dask.delayed(part)(seed) for seed in range({parts})])
"""
"""Makes `graph`, of that many `parts`, each of which takes `pause` seconds longer."""


def alone(parts: int) -> str:
    """The result without a cluster, in this process."""
    cell: dict[str, Any] = {"__name__": "__main__"}
    exec(COMPUTE.format(pause=0, parts=parts), cell)  # noqa: S102 (our own text)
    digest: str = cell["graph"].compute(scheduler="sync")
    return digest
