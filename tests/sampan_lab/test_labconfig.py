"""JupyterLab reads what we leave for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from jupyterlab_server.config import get_page_config

from sampan_lab.labconfig import NOT_HERE, install


def test_the_lab_asks_nobody_for_news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path)
    install(tmp_path)  # idempotent
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path))
    assert set(NOT_HERE) <= set(get_page_config([])["disabledExtensions"])
