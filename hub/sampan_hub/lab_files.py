"""JupyterLab's own files, served from the hub's machine: compressed once, kept by browsers for a year.

A session whose Lab is of the same build shows them from here, so that megabytes neither cross its link nor are asked for again at
the next session. They are kept as long as a session may last: one that began before an upgrade finds its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import mimetypes
import os
import secrets
import shutil
import time
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import FileResponse

from sampan.lab_files import FOLDER, NAME, digest, hashed
from sampan_hub.services import Services

__all__ = ["keep", "routes"]

routes = APIRouter(prefix="/lab", include_in_schema=False)

OLD: Final = 45 * 24 * 3600
"""Seconds after which no session is left that began with these files."""
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_SMALLER: Final = frozenset({".js", ".css", ".svg", ".json", ".txt", ".ttf", ".eot"})
"""Suffixes of what gzip makes smaller."""


def keep(root: Path, folder: Path = FOLDER) -> str:
    """Has this environment's files below `root`, and their name; nothing where JupyterLab is not installed here.

    They are links where the file system allows: an upgrade replaces its files and leaves those that are linked.
    """
    files = hashed(folder)
    name = digest(files)
    if name and not (root / name).is_dir():
        aside = root / f".{name}.{secrets.token_hex(4)}"
        aside.mkdir(mode=0o700, parents=True)
        for file in files:
            _link(folder / file, aside / file)
        with contextlib.suppress(OSError):  # another has just done the same
            aside.rename(root / name)
        shutil.rmtree(aside, ignore_errors=True)
    if name:
        os.utime(root / name)
    _forget(root, name)
    return name


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _forget(root: Path, name: str) -> None:
    for left in root.glob("*") if root.is_dir() else ():
        if left.name != name and left.stat().st_mtime < time.time() - OLD:
            shutil.rmtree(left, ignore_errors=True)


@routes.get("/{build}/{name}")
async def show_file(
    request: Request, build: str, name: str, accept_encoding: Annotated[str, Header()] = ""
) -> Response:
    """For everybody, as JupyterLab is: there is nothing of anybody in it."""
    services: Services = request.app.state.services
    file = services.settings.state / "lab" / build / name
    if not (build.isalnum() and build.isascii() and NAME.fullmatch(name) and file.is_file()):
        return Response(status_code=404)
    headers = {
        "Cache-Control": _FOR_EVER,
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if file.suffix in _SMALLER and "gzip" in accept_encoding:
        headers["Content-Encoding"] = "gzip"
        file = await asyncio.to_thread(_compressed, file)
    return FileResponse(file, headers=headers, media_type=kind)


def _compressed(file: Path) -> Path:
    """The same, compressed when it is asked for first, and kept."""
    target = file.with_name(f".{file.name}.gz")
    if not target.exists():
        aside = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
        aside.write_bytes(gzip.compress(file.read_bytes(), mtime=0))
        aside.rename(target)
    return target
