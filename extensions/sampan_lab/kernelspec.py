"""The node's native kernel as Jupyter finds it: ours, so that a kernel opens no port on the node."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

__all__ = ["install"]


def install(root: Path) -> None:
    """Writes `kernels/python3` below `root`, a directory on JUPYTER_PATH. Idempotent.

    ipykernel's own pictures go along, so that it looks as everywhere. It is found without importing it: that costs
    a third of a second, and the server does not need it.
    """
    folder = root / "kernels" / "python3"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = find_spec("ipykernel")
    for place in (found.submodule_search_locations or ()) if found else ():
        shutil.copytree(Path(place) / "resources", folder, dirs_exist_ok=True)
    spec = {
        # jupyter_client replaces "python" by the interpreter that the server runs on.
        "argv": ["python", "-m", "sampan_kernels.kernel", "-f", "{connection_file}"],
        "display_name": "Python 3",
        "language": "python",
        "metadata": {
            "debugger": False,
            "supported_encryption": ["curve"],
            # Forked where this job has a template, else started as by Jupyter's own.
            "kernel_provisioner": {"provisioner_name": "sampan-prepared"},
        },
        "kernel_protocol_version": "5.5",
    }
    (folder / "kernel.json").write_text(json.dumps(spec, indent=1), encoding="utf-8")
