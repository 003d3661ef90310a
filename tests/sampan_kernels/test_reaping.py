"""What a centre has, by each way of telling it; what a catalogue says is data, and leads nowhere else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sampan_kernels import reaping
from sampan_kernels.reaping import reap


def harvest(folder: Path, form: str, href: str = "{data}") -> list[dict[str, Any]]:
    return list(reap({"form": form, "href": href, "roots": {"data": str(folder)}}))


def put(path: Path, told: Any = "a,b\n1,2\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(told if isinstance(told, str) else json.dumps(told))
    return path


def brief(found: list[dict[str, Any]]) -> list[Any]:
    return [one.get("href") or (one["skipped"], one["why"]) for one in found]


def test_a_folder_by_what_its_files_end_in(tmp_path: Path) -> None:
    for name in ("a.csv", "sub/b.nc", "sub/c.zarr/0/0", "d.grib2", ".hidden.csv", "notes.txt"):
        put(tmp_path / name)
    (tmp_path / "out.csv").symlink_to("/etc/passwd")
    (tmp_path / "loop").symlink_to(tmp_path)
    found = harvest(tmp_path, "folder")
    assert [(one["href"], one["opener"], one["name"]) for one in found] == [
        ("{data}/a.csv", "csv", "a"),
        ("{data}/d.grib2", "cfgrib", "d"),
        ("{data}/sub/b.nc", "netcdf4", "sub/b"),
        ("{data}/sub/c.zarr", "zarr", "sub/c"),
    ]
    assert [one["href"] for one in harvest(tmp_path, "folder", "{data}/sub")] == [
        "{data}/sub/b.nc",
        "{data}/sub/c.zarr",
    ]


def test_stac_by_its_links(tmp_path: Path) -> None:
    def item(name: str, href: str, **facts: Any) -> dict[str, Any]:
        asset = {"href": href, "type": "application/x-netcdf"}
        place = {"type": "Feature", "stac_version": "1.0.0", "id": name, "bbox": [-10, 0, 10, 20]}
        return {
            **place,
            "properties": {"datetime": "2020-01-02T00:00:00Z", **facts},
            "assets": {"data": asset},
        }

    links = [
        {"rel": "child", "href": "./c/collection.json"},
        {"rel": "child", "href": "../../etc/catalog.json"},
    ]
    put(
        tmp_path / "catalog.json",
        {"type": "Catalog", "id": "root", "links": [*links, {"rel": "self", "href": "x"}]},
    )
    names = ("a", "b", "far", "out", "back", "none")
    items = [{"rel": "item", "href": f"{name}.json"} for name in names]
    # A circle of links ends.
    items.append({"rel": "child", "href": "../catalog.json"})
    put(
        tmp_path / "c/collection.json",
        {"type": "Collection", "id": "c", "license": "CC0-1.0", "links": items},
    )
    put(tmp_path / "c/a.json", item("a", "./a.nc", title="Ice"))
    put(tmp_path / "c/b.json", item("b", "../b.nc", license="MIT"))
    put(tmp_path / "c/far.json", item("far", "https://elsewhere.example/far.nc"))
    put(tmp_path / "c/out.json", item("out", "../../../etc/passwd"))
    put(tmp_path / "c/back.json", {"type": "Feature", "id": "back", "assets": {"x": {"href": "x.exe"}}})
    put(tmp_path / "c/none.json", {**item("none", ""), "assets": {"x": {"type": "application/x-netcdf"}}})
    found = sorted(
        harvest(tmp_path, "stac", "{data}/catalog.json"), key=lambda one: str(one.get("name", "z"))
    )
    assert brief(found[:2]) == ["{data}/c/a.nc", "{data}/b.nc"]
    assert [(one["title"], one["licence"], one["bbox"]) for one in found[:2]] == [
        ("Ice", "CC0-1.0", [-10, 0, 10, 20]),
        ("b", "MIT", [-10, 0, 10, 20]),
    ]
    assert sorted(brief(found[2:])) == [(name, "asset") for name in ("back", "far", "none", "out")]


def test_intake_is_data(tmp_path: Path) -> None:
    put(
        tmp_path / "catalog.yaml",
        """
metadata: {version: 1}
plugins:
  source:
  - module: evil_module_that_must_not_be_imported
  - dir: "{{ CATALOG_DIR }}/plugins"
sources:
  ice:
    driver: netcdf
    description: Sea ice
    args: {urlpath: "{{ CATALOG_DIR }}/ice.nc"}
    metadata: {license: CC-BY-4.0, title: Ice}
  table: {driver: intake.source.csv.CSVSource, args: {urlpath: t.csv}}
  code: {driver: evil.module.Driver, args: {urlpath: x.nc}}
  env: {driver: csv, args: {urlpath: "{{ env(HOME) }}/x.csv"}}
  many: {driver: csv, args: {urlpath: ["a.csv", "b.csv"]}}
  out: {driver: csv, args: {urlpath: "../../etc/passwd"}}
""",
    )
    found = harvest(tmp_path, "intake", "{data}/catalog.yaml")
    assert brief(found) == [
        "{data}/ice.nc",
        "{data}/t.csv",
        ("code", "driver"),
        ("env", "place"),
        ("many", "place"),
        ("out", "place"),
    ]
    assert (found[0]["title"], found[0]["licence"]) == ("Ice", "CC-BY-4.0")
    assert "evil_module_that_must_not_be_imported" not in sys.modules
    put(tmp_path / "bad.yaml", "sources: !!python/object/apply:os.system ['true']")
    with pytest.raises(Exception, match="could not determine a constructor"):
        harvest(tmp_path, "intake", "{data}/bad.yaml")


def test_what_is_no_text_is_none(tmp_path: Path) -> None:
    """Lists of ten lists of ten: a few more lines of this, written out, have more letters than any memory."""
    lists = [f"{one}: &{one} [{', '.join([f'*{before}'] * 10)}]" for before, one in pairwise("abcdefg")]
    source = "{driver: csv, args: {urlpath: x.csv}, description: *g, metadata: {title: *g, license: *g}}"
    sources = f"sources:\n  x: {source}\n  y: {{driver: *g, args: {{urlpath: *g}}}}\n  {'n' * 1010}: {source}"
    put(tmp_path / "catalog.yaml", "\n".join(["a: &a [1]", *lists, sources]))
    found = harvest(tmp_path, "intake", "{data}/catalog.yaml")
    assert [one.get("title") or one["skipped"] for one in found] == ["x", "y", "n" * 1000]
    assert (found[0]["summary"], found[0]["licence"]) == ("", "")


def test_a_harvest_has_a_bound_on_its_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[object] = []
    asked = {"form": "folder", "href": "{data}", "roots": {"data": str(tmp_path)}}
    monkeypatch.setattr(sys, "stdin", StringIO(json.dumps(asked)))
    monkeypatch.setattr(reaping, "bound", lambda: done.append("bound"))
    monkeypatch.setattr(os, "nice", done.append)
    reaping.main()
    assert (done, capsys.readouterr().out) == (["bound", 10], '{"end": true}\n')


def test_intake_esm_by_its_table(tmp_path: Path) -> None:
    told = {
        "esmcat_version": "0.1.0",
        "description": "CMIP",
        "catalog_file": "table.csv",
        "attributes": [{"column_name": "model"}, {"column_name": "variable_id"}],
        "assets": {"column_name": "path", "format": "netcdf"},
    }
    put(tmp_path / "esm.json", told)
    put(tmp_path / "table.csv", "model,variable_id,path\nA,tas,a/tas.nc\nB,pr,gs://far/pr.nc\n")
    found = harvest(tmp_path, "esm", "{data}/esm.json")
    assert brief(found) == ["{data}/a/tas.nc", ("gs://far/pr.nc", "place")]
    assert (found[0]["name"], found[0]["variables"]) == ("A-tas", ["tas"])


def test_modules_of_a_real_lmod(tmp_path: Path) -> None:
    for version in ("9.4", "10.1"):
        put(
            tmp_path / f"octave/{version}.lua",
            'whatis("Description: Octave, for matrices")\nprepend_path("PATH", "/x")\n',
        )
    found = harvest(tmp_path, "lmod")
    assert sorted((one["name"], one["version"], one["module"]) for one in found) == [
        ("octave", "10.1", "octave/10.1"),
        ("octave", "9.4", "octave/9.4"),
    ]
    assert found[0]["summary"] == "Octave, for matrices"


@pytest.mark.parametrize(
    ("form", "href", "told"),
    [
        ("stac", "{data}/nosuch.json", None),
        ("stac", "{data}/x.json", "[]"),
        ("esm", "{data}/x.json", "{}"),
        ("intake", "{data}/x.json", "a: [b"),
        ("folder", "{nosuch}", None),
        ("folder", "{data}/../x", None),
    ],
)
def test_what_cannot_be_read_is_told_as_that(tmp_path: Path, form: str, href: str, told: str | None) -> None:
    if told is not None:
        put(tmp_path / "x.json", told)
    asked = {"form": form, "href": href, "roots": {"data": str(tmp_path)}}
    done = subprocess.run(
        [sys.executable, "-I", "-m", "sampan_kernels.reaping"],
        input=json.dumps(asked).encode(),
        capture_output=True,
        check=True,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert set(lines[-1]) == {"failed"}, done.stderr
