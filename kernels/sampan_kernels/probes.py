"""Whether software does what it is there for: a moment's work with each package that is known here."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from typing import Any, Final

__all__ = ["PROBES", "software"]

_TEXT: Final = 300


def _numpy() -> bool:
    import numpy as np

    return float((np.eye(3) @ np.arange(3.0)).sum()) == 3.0


def _xarray() -> bool:
    import xarray as xr

    return int(xr.DataArray([1, 2, 3], dims="x").sel(x=slice(1, None)).sum()) == 5


def _dask() -> bool:
    import dask.array as da

    return int(da.ones((4, 4), chunks=2).sum().compute(scheduler="sync")) == 16


def _matplotlib() -> bool:
    from matplotlib.figure import Figure

    drawn = io.BytesIO()
    Figure().savefig(drawn, format="png", dpi=10)
    return drawn.getvalue().startswith(b"\x89PNG")


def _netcdf4() -> bool:
    import netCDF4

    with netCDF4.Dataset("probe.nc", "w", diskless=True) as file:
        file.createDimension("x", 2)
        file.createVariable("v", "i4", ("x",))[:] = [1, 2]
        return int(file["v"][:].sum()) == 3


def _kernel() -> bool:
    from ipykernel.kernelspec import get_kernel_dict

    return "argv" in get_kernel_dict()


PROBES: Final[Mapping[str, Callable[[], bool]]] = {
    "dask": _dask,
    "ipykernel": _kernel,
    "matplotlib": _matplotlib,
    "netcdf4": _netcdf4,
    "numpy": _numpy,
    "xarray": _xarray,
}
"""Distribution → whether it works. Of another one it is known that it can be imported, and no more."""


def software(name: str) -> dict[str, Any]:
    """Its version here; whether it can be imported, in a kernel, and does what it is there for."""
    try:
        here = distribution(name)
    except PackageNotFoundError:
        return {"there": False}
    theirs = [module for module, owners in packages_distributions().items() if here.name in owners]
    facts: dict[str, Any] = {"there": True, "version": here.version, "imported": True}
    for module in sorted(one for one in theirs if one.isidentifier() and not one.startswith("_")):
        try:
            import_module(module)
        except BaseException as error:  # noqa: BLE001
            return {**facts, "imported": False, "why": f"{module}: {type(error).__name__}: {error}"[:_TEXT]}
    facts["kernel"] = importlib.util.find_spec("ipykernel") is not None
    return {**facts, **_works(name)}


def _works(name: str) -> dict[str, Any]:
    probe = PROBES.get(name.lower())
    if probe is None:
        return {}
    try:
        return {"works": probe()}
    except Exception as error:  # noqa: BLE001
        return {"works": False, "why": f"{type(error).__name__}: {error}"[:_TEXT]}
