"""JupyterLab reads what we leave for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jupyterlab_server.config import get_page_config

from sampan.lab_files import digest, hashed
from sampan_lab.labconfig import NOT_HERE, install

NAMES = ("main.0123456789abcdef.js", "89abcdef01234567.woff2")
PUBLIC = "https://hub.example"


def test_the_lab_asks_nobody_for_news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path)
    install(tmp_path)  # idempotent
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path))
    assert set(NOT_HERE) <= set(get_page_config([])["disabledExtensions"])


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    folder.mkdir()
    for name in (*NAMES, "index.html"):
        (folder / name).write_text(name)
    return folder


def told(root: Path, files: Path, **environ: str) -> str:
    """The address that Lab is told to have its files from."""
    install(root, environ, files)
    settings = json.loads((root / "jupyter_lab_config.json").read_text())
    return str(settings.get("LabApp", {}).get("override_static_url", ""))


@pytest.mark.parametrize(
    ("environ", "start"),
    [
        ({}, "/"),
        ({"JUPYTERHUB_BASE_URL": "/jupyter/"}, "/jupyter/"),
        ({"JUPYTERHUB_HOST": PUBLIC, "JUPYTERHUB_PUBLIC_URL": f"{PUBLIC}/user/ann/"}, "/"),
    ],
)
def test_the_same_files_come_from_the_hubs_machine(
    tmp_path: Path, files: Path, environ: dict[str, str], start: str
) -> None:
    build = digest(hashed(files))
    assert told(tmp_path, files, SAMPAN_LAB_FILES=build, **environ) == f"{start}services/sampan/lab/{build}/"


@pytest.mark.parametrize(
    "environ",
    [
        {"SAMPAN_LAB_FILES": ""},
        {"SAMPAN_LAB_FILES": "0" * 32},
        {"JUPYTERLAB_DIR": "/somewhere"},
        {"JUPYTERHUB_HOST": PUBLIC, "JUPYTERHUB_PUBLIC_URL": "https://ann.hub.example/user/ann/"},
    ],
)
def test_others_come_from_the_session(tmp_path: Path, files: Path, environ: dict[str, str]) -> None:
    assert told(tmp_path, files, **{"SAMPAN_LAB_FILES": digest(hashed(files)), **environ}) == ""


def test_another_build_has_another_name_and_what_is_not_served_none(tmp_path: Path, files: Path) -> None:
    before = digest(hashed(files))
    assert set(hashed(files)) == set(NAMES)
    (files / "index.html").write_text("another page")
    assert digest(hashed(files)) == before
    (files / "fedcba9876543210.woff2").write_text("")
    assert digest(hashed(files)) != before
    assert digest(hashed(tmp_path / "nowhere")) == ""
