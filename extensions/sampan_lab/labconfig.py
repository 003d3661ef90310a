"""What JupyterLab leaves alone in a session: it does not ask the internet for news, nor the person whether it may."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

__all__ = ["install"]

NOT_HERE: Final = {
    # News and updates: many nodes have no internet, and what is installed is the centre's affair. `LabApp.news_url=None`
    # keeps the question on the screen.
    "@jupyterlab/apputils-extension:announcements": True,
}


def install(root: Path) -> None:
    """Writes `labconfig` below `root`, a directory on JUPYTER_CONFIG_PATH. Idempotent."""
    folder = root / "labconfig"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "page_config.json").write_text(json.dumps({"disabledExtensions": NOT_HERE}), encoding="utf-8")
