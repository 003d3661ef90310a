"""What is seen of data and software at a centre: facts, whatever the files do."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat.v4
import netCDF4
import numpy as np
import pytest

from sampan_kernels import looking, probes
from sampan_kernels.apart import line
from sampan_kernels.looking import look

CSV = b"a,b\n1,2\n3,4\n"


def asked(folder: Path, name: str, opener: str = "csv", **more: Any) -> dict[str, Any]:
    """As where everybody is one account: a test's own folder is closed to others."""
    replica = {"href": f"{{data}}/{name}", "opener": opener}
    return {"replica": replica, "roots": {"data": str(folder)}, "shared": True, **more}


@pytest.fixture
def shown() -> Iterator[Path]:
    """A folder that everybody can read."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def grid(path: Path) -> None:
    with netCDF4.Dataset(path, "w") as file:
        for name, values in (("lat", [-10.0, 20.0]), ("lon", [0.0, 5.0, 9.0])):
            file.createDimension(name, len(values))
            file.createVariable(name, "f8", (name,))[:] = values
        tas = file.createVariable("tas", "f4", ("lat", "lon"))
        tas[:] = np.arange(6).reshape(2, 3)
        tas.units = "K"


def test_a_table_with_its_bytes_checksum_and_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)
    facts = look(asked(tmp_path, "a.csv", picture=True))
    assert (facts["bytes"], facts["opened"]) == (len(CSV), True)
    assert facts["checksum"] == f"sha256:{hashlib.sha256(CSV).hexdigest()}"
    assert facts["found"]["dims"] == {"rows": 2}
    assert [one["name"] for one in facts["found"]["variables"]] == ["a", "b"]
    assert base64.b64decode(facts["picture"]).startswith(b"\x89PNG")


def test_a_grid_with_dimensions_units_and_extent(tmp_path: Path) -> None:
    grid(tmp_path / "a.nc")
    found = look(asked(tmp_path, "a.nc", "netcdf4"))["found"]
    assert found["dims"] == {"lat": 2, "lon": 3}
    assert found["variables"] == [{"name": "tas", "dims": ["lat", "lon"], "units": "K"}]
    assert found["extent"] == {"latitude": [-10.0, 20.0], "longitude": [0.0, 9.0]}


def test_a_notebook_by_its_cells(tmp_path: Path) -> None:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    nbformat.write(book, tmp_path / "x.ipynb")
    facts = look(asked(tmp_path, "x.ipynb", "notebook"))
    assert (facts["opened"], facts["found"]["dims"]) == (True, {"cells": 1})


def test_a_folder_is_one_thing(tmp_path: Path) -> None:
    folder = tmp_path / "a.zarr" / "0"
    folder.mkdir(parents=True)
    (folder / "x").write_bytes(b"x")
    first = look(asked(tmp_path, "a.zarr", "zarr"))
    assert first["bytes"] == 1
    (folder / "y").write_bytes(b"")
    second = look(asked(tmp_path, "a.zarr", "zarr"))
    assert (second["bytes"], second["checksum"] != first["checksum"]) == (1, True)


@pytest.mark.parametrize(
    ("name", "opener", "facts"),
    [
        ("nosuch.csv", "csv", {"there": False}),
        ("a.csv", "os.system", {"error": "entry.engine"}),
        ("../etc/passwd", "csv", {"error": "entry.href"}),
        ("broken.nc", "netcdf4", {"opened": False}),
    ],
)
def test_what_is_wrong_is_a_fact(tmp_path: Path, name: str, opener: str, facts: Mapping[str, Any]) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)
    (tmp_path / "broken.nc").write_bytes(b"CDF\x01 and no more")
    told = look(asked(tmp_path, name, opener))
    assert {key: told.get(key) for key in facts} == facts


def test_a_link_that_leads_out_is_not_followed(tmp_path: Path) -> None:
    data, other = tmp_path / "data", tmp_path / "other"
    data.mkdir()
    other.mkdir()
    for folder in (data, other):
        (folder / "a.csv").write_bytes(CSV)
    (data / "out.csv").symlink_to(other / "a.csv")
    (data / "in.csv").symlink_to(data / "a.csv")
    (tmp_path / "root").symlink_to(data)
    assert look(asked(data, "out.csv")) == {"error": "entry.outside"}
    assert look(asked(tmp_path / "root", "in.csv"))["opened"] is True


@pytest.mark.parametrize("folder", [False, True])
def test_nor_is_one_inside_a_folder(tmp_path: Path, *, folder: bool) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "0").write_bytes(b"x")
    inside = tmp_path / "data" / "a.zarr" / "x"
    inside.mkdir(parents=True)
    (inside / "0").write_bytes(b"x")
    (inside / "same").symlink_to("0")
    assert look(asked(tmp_path / "data", "a.zarr", "zarr"))["bytes"] == 2
    (inside / "y").symlink_to(secret if folder else secret / "0")
    assert look(asked(tmp_path / "data", "a.zarr", "zarr")) == {"error": "entry.outside"}


def test_only_the_thing_s_own_absence_is_its_absence(tmp_path: Path) -> None:
    folder = tmp_path / "a.zarr"
    folder.mkdir()
    (folder / "x").symlink_to(folder / "gone")
    assert look(asked(tmp_path, "a.zarr", "zarr")) == {"failed": "time"}
    (tmp_path / "a.csv").write_bytes(CSV)
    assert look(asked(tmp_path, "a.csv/x")) == {"there": False}


@pytest.mark.parametrize("closed", ["sub", "sub/a.csv"])
def test_what_others_may_not_read_is_not_shown_to_them(shown: Path, closed: str) -> None:
    (shown / "sub").mkdir(mode=0o755)
    (shown / "sub/a.csv").write_bytes(CSV)
    (shown / "sub/a.csv").chmod(0o644)
    question = asked(shown, "sub/a.csv", shared=False, picture=True)
    told = look(question)
    assert {"opened", "found", "picture", "checksum"} <= told.keys()
    (shown / closed).chmod(0o750 if closed == "sub" else 0o640)
    assert look(question) == {"there": True, "bytes": len(CSV), "modified": told["modified"]}
    # Whether it is what was stated can be told, and nothing else.
    for stated, found in ((told["checksum"], told["checksum"]), ("sha256:0", "sha256:?")):
        question["replica"]["checksum"] = stated
        assert look(question)["checksum"] == found


def test_names_and_numbers_of_every_kind_can_be_told(tmp_path: Path) -> None:
    grid(tmp_path / "a.nc")
    with netCDF4.Dataset(tmp_path / "a.nc", "a") as file:
        file["lat"][:] = np.nan
    found = look(asked(tmp_path, "a.nc", "netcdf4"))["found"]
    assert found["extent"] == {"longitude": [0.0, 9.0]}
    assert json.loads(line({"x": "a\udcff\u2028b"})) == {"x": "a?\u2028b"}
    assert len(line({"x": "\u2028\x85"}).splitlines()) == 1


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    assert look({"replica": {"href": "{x}/a", "opener": "csv"}}) == {"error": "entry.root"}


def test_a_group_that_is_needed(tmp_path: Path) -> None:
    import grp

    path = tmp_path / "a.csv"
    path.write_bytes(CSV)
    own = grp.getgrgid(path.stat().st_gid).gr_name
    path.chmod(0o640)
    assert look(asked(tmp_path, "a.csv", group=own))["group"] == {"known": True, "owns": True, "closed": True}
    path.chmod(0o644)
    assert look(asked(tmp_path, "a.csv", group=own))["group"]["closed"] is False
    assert look(asked(tmp_path, "a.csv", group="nosuchgroup"))["group"] == {"known": False}


def test_a_large_file_is_read_whole_only_where_its_checksum_is_stated_and_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "_HASHED", 0)
    (tmp_path / "a.csv").write_bytes(CSV)
    assert "checksum" not in look(asked(tmp_path, "a.csv"))
    stated = asked(tmp_path, "a.csv")
    stated["replica"]["checksum"] = "sha256:0"
    first = look(stated)
    assert "checksum" in first
    again = {**stated, "seen": [first["bytes"], first["modified"]]}
    assert "checksum" not in look(again)
    os.utime(tmp_path / "a.csv", (1, 1))
    assert "checksum" in look(again)


def test_software_by_its_version_and_what_it_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = look({"distribution": "numpy"})
    assert (facts["version"], facts["imported"], facts["works"]) == (np.__version__, True, True)
    assert "works" not in look({"distribution": "pyyaml"})
    assert look({"distribution": "no-such-thing"}) == {"there": False}
    monkeypatch.setattr(probes, "PROBES", {"numpy": lambda: 1 / 0})
    facts = look({"distribution": "numpy"})
    assert (facts["works"], facts["why"]) == (False, "ZeroDivisionError: division by zero")


@pytest.mark.parametrize("name", sorted(probes.PROBES))
def test_what_is_probed_works_here(name: str) -> None:
    assert probes.PROBES[name]()


def test_as_a_command(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)
    questions = [asked(tmp_path, "a.csv"), asked(tmp_path, "nosuch.csv")]
    done = subprocess.run(
        [sys.executable, "-I", "-m", "sampan_kernels.looking"],
        input=json.dumps(questions).encode(),
        capture_output=True,
        check=True,
    )
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert (first["opened"], second) == (True, {"there": False})
