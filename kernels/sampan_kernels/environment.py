"""What this environment is, as JSON: `python -I -m sampan_kernels.environment [--all]`.

Asked before a job is submitted, so it is quick: the standard library alone, and nothing is imported that it tells of. With
`--all` it also lists every package and tries what a session needs; that takes seconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path
from typing import Any, Final

from sampan_kernels.report import SPEAKS

__all__ = ["RECORD", "SCHEMA", "look", "main"]

SCHEMA: Final = "sampan/environment/1"
RECORD: Final = "sampan-environment.json"
"""Written by whoever made the environment when it was whole; the broker's package names the same file."""
TOLD: Final = ("sampan", "jupyterhub", "jupyterlab")
TRIED: Final[Mapping[str, tuple[str, ...]]] = {
    "sampan": ("sampan.whereabouts",),
    "asyncssh": ("sampan_kernels.launcher",),
    "dask-jobqueue": ("sampan.job_cluster",),
    "distributed": ("distributed",),
    "httpx": ("sampan.client",),
    "ipykernel": ("sampan_kernels.kernel",),
    "ipywidgets": ("ipywidgets",),
    "jupyter-server": ("sampan_lab.singleuser",),
    "jupyterhub": ("jupyterhub.singleuser.app",),
    "jupyterlab": ("jupyterlab",),
    "matplotlib": ("matplotlib.pyplot",),
    "netcdf4": ("netCDF4",),
    "numpy": ("numpy",),
    "xarray": ("xarray",),
}
"""Package → what is imported of it and of ours that stands on it. One that is not installed shows in the list of packages."""


def look(*, everything: bool = False) -> dict[str, Any]:
    """The facts. `record` is what the maker wrote down, None where nobody did; `broken`: module → why it cannot be imported."""
    facts = {
        "schema": SCHEMA,
        "prefix": os.path.realpath(sys.prefix),
        "python": platform.python_version(),
        "speaks": list(SPEAKS),
        "versions": {name: _version(name) for name in TOLD},
        "record": _record(Path(sys.prefix)),
    }
    if everything:
        facts["packages"] = _packages()
        facts["broken"] = _broken(facts["packages"])
    return facts


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _record(prefix: Path) -> Any:
    try:
        return json.loads((prefix / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _packages() -> dict[str, str]:
    """Name, as PyPI compares names, → version."""
    return {
        re.sub(r"[-_.]+", "-", one.metadata["Name"] or "?").lower(): one.version for one in distributions()
    }


def _broken(packages: Mapping[str, str]) -> dict[str, str]:
    broken = {}
    # What a package prints while it is imported is not our answer.
    with contextlib.redirect_stdout(sys.stderr):
        for module in (module for name, modules in TRIED.items() if name in packages for module in modules):
            try:
                import_module(module)
            except BaseException as error:  # noqa: BLE001 (whatever it is, it is the finding)
                broken[module] = f"{type(error).__name__}: {error}"[:300]
    return broken


def main(argv: Sequence[str]) -> None:
    """Prints the facts on one line."""
    print(json.dumps(look(everything="--all" in argv)))


if __name__ == "__main__":
    main(sys.argv[1:])
