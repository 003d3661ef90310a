"""What opens the data of an entry: an engine of xarray's or a reader of tables, by a list, and nothing else ever."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from sampan.entries import Replica
from sampan.errors import Missing, Refused

__all__ = ["NEEDS", "read"]

NEEDS: Final[Mapping[str, str]] = {
    "netcdf4": "netCDF4",
    "h5netcdf": "h5netcdf",
    "scipy": "scipy",
    "zarr": "zarr",
    "cfgrib": "cfgrib",
    "csv": "pandas",
    "json": "pandas",
    "parquet": "pyarrow",
    "notebook": "nbformat",
}
"""Everything that may open an entry → the package it takes. Nothing else is ever imported for one."""


def read(ref: str, copy: Replica, path: str) -> Any:
    """The data at that path, lazy where it can be. Raises Refused (entry.engine) and Missing (entry.gone), naming `ref`."""
    needs = NEEDS.get(copy.opener)
    if needs is None or importlib.util.find_spec(needs) is None:
        raise Refused("entry.engine", entry=ref, engine=copy.opener)
    if not os.path.exists(path):  # noqa: PTH110
        raise Missing("entry.gone", entry=ref, path=path)
    return _READERS.get(copy.opener, _dataset)(path, copy)


def _dataset(path: str, copy: Replica) -> Any:
    import xarray

    opener = xarray.open_datatree if copy.tree else xarray.open_dataset
    # An index beside the data is a pickle, and whoever may write there could have made it.
    more: dict[str, Any] = {"indexpath": ""} if copy.opener == "cfgrib" else {}
    return opener(path, engine=copy.opener, chunks={}, **more)


def _zarr(path: str, copy: Replica) -> Any:
    """A Zarr may name the codec that its chunks are read with; one of them unpickles, and with that runs what it reads."""
    with contextlib.suppress(ImportError):
        registry = importlib.import_module("numcodecs.registry")
        for known in (registry.codec_registry, getattr(registry, "entries", {})):
            known.pop("pickle", None)
    return _dataset(path, copy)


def _csv(path: str, copy: Replica) -> Any:
    import pandas as pd

    return pd.read_csv(path, sep=copy.separator, skiprows=copy.skip)


def _json(path: str, copy: Replica) -> Any:
    import pandas as pd

    return pd.read_json(path)


def _parquet(path: str, copy: Replica) -> Any:
    import pandas as pd

    return pd.read_parquet(path)


def _notebook(path: str, copy: Replica) -> Any:
    import nbformat

    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


_READERS: Final[Mapping[str, Callable[[str, Replica], Any]]] = {
    "zarr": _zarr,
    "csv": _csv,
    "json": _json,
    "parquet": _parquet,
    "notebook": _notebook,
}
