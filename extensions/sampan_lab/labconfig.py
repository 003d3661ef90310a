"""What JupyterLab is set to in a session: it asks the internet for no news, and has its own files from the hub's machine."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sampan.lab_files import FOLDER, digest, hashed

__all__ = ["install"]

NOT_HERE: Final = {
    # News and updates: many nodes have no internet, and what is installed is the centre's affair. `LabApp.news_url=None`
    # keeps the question on the screen.
    "@jupyterlab/apputils-extension:announcements": True,
}


def install(root: Path, environ: Mapping[str, str] = os.environ, files: Path = FOLDER) -> None:
    """Writes `labconfig` and `jupyter_lab_config.json` below `root`, a directory on JUPYTER_CONFIG_PATH. Idempotent."""
    folder = root / "labconfig"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "page_config.json").write_text(json.dumps({"disabledExtensions": NOT_HERE}), encoding="utf-8")
    url = _url(environ, files)
    settings = {"LabApp": {"override_static_url": url}} if url else {}
    (root / "jupyter_lab_config.json").write_text(json.dumps(settings), encoding="utf-8")


def _url(environ: Mapping[str, str], files: Path) -> str:
    """Where the hub's machine has these very files, for the same page; nothing where it has others or none."""
    build = environ.get("SAMPAN_LAB_FILES", "")
    elsewhere = "JUPYTERLAB_DIR" in environ or _has_a_host_of_its_own(environ)
    if not build or elsewhere or build != digest(hashed(files)):
        return ""
    return f"{environ.get('JUPYTERHUB_BASE_URL', '/')}services/sampan/lab/{build}/"


def _has_a_host_of_its_own(environ: Mapping[str, str]) -> bool:
    """With JupyterHub's `subdomain_host` each person has: another origin than the hub's, whose fonts a page may not use."""
    hub = environ.get("JUPYTERHUB_HOST", "")
    return bool(hub) and urlsplit(hub).netloc != urlsplit(environ.get("JUPYTERHUB_PUBLIC_URL", "")).netloc
