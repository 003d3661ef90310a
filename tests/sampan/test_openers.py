"""What opens an entry's data runs nothing that lies in them, or beside them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import xarray

from sampan import openers
from sampan.entries import Replica


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What xarray is asked for, with engines that need not be here."""
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(xarray, "open_dataset", lambda _, **options: told.append(options))
    monkeypatch.setattr(openers, "NEEDS", dict.fromkeys(openers.NEEDS, "xarray"))
    return told


def test_no_index_of_a_grib_file_is_read_or_written(tmp_path: Path, opened: list[dict[str, Any]]) -> None:
    for opener in ("cfgrib", "netcdf4"):
        openers.read("", Replica("{data}/x", opener), str(tmp_path))
    assert [one.get("indexpath") for one in opened] == ["", None]


def test_no_codec_that_unpickles_is_left_for_a_zarr(
    tmp_path: Path, opened: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the names that numcodecs keeps them under: it need not be here."""
    monkeypatch.setitem(sys.modules, "numcodecs", ModuleType("numcodecs"))
    registry = ModuleType("numcodecs.registry")
    monkeypatch.setitem(sys.modules, "numcodecs.registry", registry)
    vars(registry).update(codec_registry={"pickle": 1, "blosc": 2}, entries={"pickle": 3, "zlib": 4})
    openers.read("", Replica("{data}/x", "zarr"), str(tmp_path))
    assert (vars(registry)["codec_registry"], vars(registry)["entries"]) == ({"blosc": 2}, {"zlib": 4})
    assert [one["engine"] for one in opened] == ["zarr"]
