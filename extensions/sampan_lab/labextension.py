"""Our Lab extension as Jupyter finds it in a session: its built files, and the server's half of it."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Final

__all__ = ["BUILT", "install"]

BUILT: Final = Path(__file__).with_name("labextensions")
"""What `tools/setup` builds from extensions/lab, and what the wheel carries. A Lab without it is a Lab without our panels."""

LANGUAGE_SERVERS: Final = ("pylsp", "jedi_language_server", "pyright", "basedpyright", "pyrefly")
"""Those of Python that come as packages. Without one, jupyter_lsp searches for twenty programs at each start, in vain."""


def install(root: Path) -> None:
    """Links `labextensions` below `root`, a directory on JUPYTER_PATH and on JUPYTER_CONFIG_PATH. Idempotent."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    link = root / "labextensions"
    if BUILT.is_dir() and not link.is_symlink():
        link.symlink_to(BUILT)
    folder = root / "jupyter_server_config.d"
    folder.mkdir(mode=0o700, exist_ok=True)
    languages = any(find_spec(name) is not None for name in LANGUAGE_SERVERS)
    wanted = {"ServerApp": {"jpserver_extensions": {"sampan_lab.extension": True, "jupyter_lsp": languages}}}
    (folder / "sampan.json").write_text(json.dumps(wanted), encoding="utf-8")
