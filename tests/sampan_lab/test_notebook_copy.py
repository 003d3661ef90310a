"""A notebook of the catalogue, copied into a person's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sampan.errors import Conflict, Forbidden, Missing, Refused
from sampan_lab.notebook_copy import LARGEST, copied, lies_here
from tests.sampan_lab.test_catalogue import entry

pytestmark = pytest.mark.fast

COPY = {"centre": "east", "href": "{ocean}/a/x.ipynb", "opener": "notebook", "state": "online"}
ROOTS = {"east": {"ocean": "/data/ocean"}}


def told(**more: Any) -> dict[str, Any]:
    return entry(kind="notebook", revision=1, roots=ROOTS, **{"replicas": [COPY], **more})


def test_it_lies_below_a_root_of_this_centre() -> None:
    assert lies_here(told(), "east") == Path("/data/ocean/a/x.ipynb")


@pytest.mark.parametrize(
    ("more", "centre", "error", "code"),
    [
        ({}, "west", Refused, "entry.elsewhere"),
        ({"replicas": [{**COPY, "state": "missing"}]}, "east", Refused, "entry.no_data"),
        ({"replicas": [{**COPY, "opener": "csv"}]}, "east", Refused, "entry.no_data"),
        ({"readable": False, "group": "polar"}, "east", Forbidden, "entry.group"),
        ({"status": "quarantined"}, "east", Conflict, "entry.quarantined"),
    ],
)
def test_or_why_not(more: dict[str, Any], centre: str, error: type[Exception], code: str) -> None:
    with pytest.raises(error) as caught:
        lies_here(told(**more), centre)
    assert getattr(caught.value, "code", None) == code


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    source = tmp_path / "source.ipynb"
    source.write_text(json.dumps({"cells": []}), encoding="utf-8")
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "x.ipynb").symlink_to(tmp_path / "elsewhere")
    assert [copied(source, folder, "x"), copied(source, folder, "x")] == ["x-1.ipynb", "x-2.ipynb"]
    assert not (tmp_path / "elsewhere").exists()
    assert (folder / "x-1.ipynb").read_bytes() == source.read_bytes()


def test_what_is_no_file_or_too_large_is_not_copied(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(LARGEST + 1)
    for source in (tmp_path / "nothing", tmp_path, large):
        with pytest.raises(Missing):
            copied(source, tmp_path, "y")
    assert not list(tmp_path.glob("y*"))
