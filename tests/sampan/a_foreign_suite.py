"""dask-jobqueue's own tests of a cluster with real workers (its `env("slurm")`), on ours. Prints how each went, as JSON.

What its others are, and why they are not here: `tests/foreign/dask_jobqueue.md`.
"""

import contextlib
import json
import os
import sys
from importlib import import_module
from typing import Any

import pytest
from dask.utils import parse_bytes

import sampan
from sampan.crew import Crew
from sampan.dask_cluster import facts_of, open_cluster

WITH_WORKERS = "test_basic or test_adaptive or test_worker_name_uses_cluster_name"


def as_theirs(cores: int, memory: str, processes: int = 1, walltime: str = "", loop: Any = None) -> Any:
    """Without workers at first, as theirs."""
    place = sampan.here()
    return open_cluster(
        facts_of(place.centre, place.share), place, Crew(0, cores, parse_bytes(memory) // 2**20, 5)
    )


class Told:
    """What pytest says of each test."""

    def __init__(self) -> None:
        self.how: dict[str, str] = {}

    def pytest_configure(self, config: pytest.Config) -> None:
        config.addinivalue_line("markers", "env(name): theirs")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.rpartition("::")[2]
        if report.when == "call" or report.failed:
            self.how[name] = f"{report.outcome}: {str(report.longrepr)[-300:]}" if report.failed else "passed"


def main() -> None:
    # It asks Slurm how large it is, when it is imported; where it finds none it goes on.
    os.environ["PATH"] = ""
    theirs = import_module("dask_jobqueue.tests.test_slurm")
    vars(theirs)["SLURMCluster"] = as_theirs
    told = Told()
    words = [
        str(theirs.__file__),
        "-q",
        "-c",
        os.devnull,
        "-k",
        WITH_WORKERS,
        "-p",
        "no:cacheprovider",
        "-p",
        "no:asyncio",
    ]
    with contextlib.redirect_stdout(sys.stderr):
        pytest.main([*words, "-p", "distributed.utils_test"], plugins=[told])
    print(json.dumps(told.how))


if __name__ == "__main__":
    main()
