"""Data of one centre as a catalogue of intake (https://intake.readthedocs.io, version 2). Pure.

Nothing that a provider wrote freely is in it: intake takes braces in any text for calls of functions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import yaml

from sampan.entries import resolve
from sampan.errors import Invalid
from sampan_hub.catalogue.rows import Kept

__all__ = ["export"]

_TYPES: Final = "intake.readers.datatypes:"
_READERS: Final = "intake.readers.readers:"
_XARRAY: Final = ("XArrayDatasetReader", "xarray:Dataset")
_PANDAS: Final = "pandas:DataFrame"
_HOW: Final[Mapping[str, tuple[str, str, str]]] = {
    "netcdf4": ("NetCDF3", *_XARRAY),
    "h5netcdf": ("HDF5", *_XARRAY),
    "scipy": ("NetCDF3", *_XARRAY),
    "zarr": ("Zarr", *_XARRAY),
    "cfgrib": ("GRIB2", *_XARRAY),
    "csv": ("CSV", "PandasCSV", _PANDAS),
    "parquet": ("Parquet", "PandasParquet", _PANDAS),
}
"""Opener → intake's type of data, its reader, and what that makes. Tables in JSON it reads by none that we have."""


def export(some: Iterable[Kept], centre: str, roots: Mapping[str, str]) -> str:
    """YAML, of every copy that opens at that centre; `roots`: root → folder there."""
    data: dict[str, Any] = {}
    entries: dict[str, Any] = {}
    for kept in some:
        for copy in kept.document["replicas"]:
            path = _path(copy, roots) if copy["centre"] in {centre, None} else None
            if path is not None and kept.ref not in entries:
                token = hashlib.sha256(kept.ref.encode()).hexdigest()[:16]
                data[token], entries[kept.ref] = _described(kept, copy, token, path)
    told = {"version": 2, "aliases": {}, "metadata": {"centre": centre}, "user_parameters": {}}
    return yaml.safe_dump({**told, "data": data, "entries": entries}, sort_keys=False, allow_unicode=True)


def _path(copy: Mapping[str, Any], roots: Mapping[str, str]) -> str | None:
    if copy["opener"] not in _HOW or copy["state"] != "online" or copy["tree"]:
        return None
    try:
        path = resolve(copy["href"], roots)
    except Invalid:
        return None
    return None if set("{}") & set(path) else path


def _described(
    kept: Kept, copy: Mapping[str, Any], token: str, path: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    kind, reader, makes = _HOW[copy["opener"]]
    rest: dict[str, Any] = {"metadata": {}, "user_parameters": {}}
    data = {"datatype": f"{_TYPES}{kind}", "kwargs": {"storage_options": None, "url": path}, **rest}
    how = {"args": [f"{{data({token})}}"], **_options(copy)}
    entry = {"reader": f"{_READERS}{reader}", "kwargs": how, "output_instance": makes, **rest}
    entry["metadata"] = {"sampan_entry": kept.ref, "sampan_licence": kept.document["licence"]}
    return data, entry


def _options(copy: Mapping[str, Any]) -> dict[str, Any]:
    if copy["opener"] == "csv":
        return {"sep": copy["separator"], "skiprows": copy["skip"]}
    return {} if copy["opener"] == "parquet" else {"engine": copy["opener"], "chunks": {}}
