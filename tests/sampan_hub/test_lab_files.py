"""JupyterLab's files from the hub's machine: the same as a session has, compressed, and still there after an upgrade."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from sampan.lab_files import FOLDER, digest, hashed
from sampan_hub import lab_files

pytestmark = pytest.mark.fast

SCRIPT, FONT = "main.0123456789abcdef.js", "89abcdef01234567.woff2"
SECRET = "package.json"


class Parts:
    """As much of the broker as this takes."""

    def __init__(self, state: Path) -> None:
        self.settings = self
        self.state = state


def installed(folder: Path) -> Path:
    folder.mkdir()
    (folder / SCRIPT).write_text("say('hello');" * 100)
    (folder / FONT).write_bytes(b"\x00font")
    (folder / SECRET).write_text("{}")
    return folder


async def get(state: Path, path: str, encoding: str = "gzip") -> httpx.Response:
    app = FastAPI()
    app.state.services = Parts(state)
    app.include_router(lab_files.routes)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://broker") as client:
        return await client.get(path, headers={"Accept-Encoding": encoding})


@pytest.mark.parametrize("encoding", ["gzip, deflate, br", "identity"])
async def test_whoever_asks_has_them_once_and_for_long(tmp_path: Path, encoding: str) -> None:
    folder = installed(tmp_path / "static")
    build = lab_files.keep(tmp_path / "lab", folder)
    for _ in range(2):
        answer = await get(tmp_path, f"/lab/{build}/{SCRIPT}", encoding)
        assert answer.status_code == 200
        assert answer.text == (folder / SCRIPT).read_text()
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers.get("content-encoding") == ("gzip" if "gzip" in encoding else None)
    font = await get(tmp_path, f"/lab/{build}/{FONT}", encoding)
    assert (font.content, font.headers.get("content-encoding")) == (b"\x00font", None)
    assert font.headers["content-type"] == "font/woff2"


async def test_an_upgrade_leaves_what_a_session_began_with(tmp_path: Path) -> None:
    folder = installed(tmp_path / "static")
    before = lab_files.keep(tmp_path / "lab", folder)
    for file in list(folder.iterdir()):
        file.unlink()
    (folder / "main.fedcba9876543210.js").write_text("say('more');")
    after = lab_files.keep(tmp_path / "lab", folder)
    assert before != after
    assert (await get(tmp_path, f"/lab/{before}/{SCRIPT}")).text.startswith("say('hello');")
    assert (await get(tmp_path, f"/lab/{after}/main.fedcba9876543210.js")).text == "say('more');"
    assert (await get(tmp_path, f"/lab/{after}/{SCRIPT}")).status_code == 404


def test_what_nobody_can_have_begun_with_is_forgotten(tmp_path: Path) -> None:
    folder = installed(tmp_path / "static")
    first = lab_files.keep(tmp_path / "lab", folder)
    (folder / SCRIPT).unlink()
    long_ago = time.time() - lab_files.OLD - 60
    os.utime(tmp_path / "lab" / first, (long_ago, long_ago))
    second = lab_files.keep(tmp_path / "lab", folder)
    assert lab_files.keep(tmp_path / "lab", folder) == second
    assert [one.name for one in (tmp_path / "lab").iterdir()] == [second]


def test_where_no_lab_is_installed_nothing_is_offered(tmp_path: Path) -> None:
    assert lab_files.keep(tmp_path / "lab", tmp_path / "nowhere") == ""
    assert not (tmp_path / "lab").exists()


@pytest.mark.parametrize(
    "path",
    [f"{{}}/{SECRET}", "{}/..%2Fhub.sqlite", "..%2Fsecrets/master", "{}/%2e%2e", f"./{SCRIPT}", "{}/.x.gz"],
)
async def test_nothing_else_is_served(tmp_path: Path, path: str) -> None:
    build = lab_files.keep(tmp_path / "lab", installed(tmp_path / "static"))
    (tmp_path / "hub.sqlite").write_text("secret")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "master").write_text("secret")
    assert (await get(tmp_path, f"/lab/{path.format(build)}")).status_code == 404


def test_the_lab_of_this_environment_is_found() -> None:
    """Its page asks for these: each name that its scripts' entry knows is one that is served."""
    files = hashed(FOLDER)
    assert len(digest(files)) == 32
    page = (FOLDER / "index.html").read_text()
    [entry] = [
        name for name in files if f"{{{{page_config.fullStaticUrl}}}}/{name}" in page and "main" in name
    ]
    assert files[entry] > 10_000


def test_they_are_compressed_whole(tmp_path: Path) -> None:
    folder = installed(tmp_path / "static")
    made = lab_files._compressed(folder / SCRIPT)
    assert gzip.decompress(made.read_bytes()) == (folder / SCRIPT).read_bytes()
    assert lab_files._compressed(folder / SCRIPT) == made
