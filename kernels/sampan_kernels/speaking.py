"""In which language a person is spoken to beside a Jupyter server."""

from __future__ import annotations

import os
import sys

from sampan.messages import Language
from sampan.whereabouts import spoken_language

__all__ = ["spoken_here"]


def spoken_here() -> Language:
    """The Lab's, which its person chooses there; that of the process where there is no Lab."""
    lab = sys.modules.get("jupyterlab_server.translation_utils")
    if lab is None:
        return spoken_language(os.environ)
    return "zh" if lab.translator._LOCALE.startswith("zh") else "en"  # noqa: SLF001 (it says so nowhere else)
