"""A registry in a folder: real wheels of a few bytes for real pip, and the lock that pins them."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from importlib.metadata import version
from pathlib import Path

from sampan_hub.user_lock import UserLock

__all__ = ["tiny_lock", "tiny_wheel"]

INFO = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def tiny_wheel(folder: Path, name: str, number: str, modules: dict[str, str]) -> str:
    """Writes it; returns its line of a lock. `modules`: path → text."""
    info = f"{name}-{number}.dist-info"
    files = {
        **modules,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n",
        f"{info}/WHEEL": INFO,
    }
    rows = [f"{path},sha256={_digest(text)},{len(text.encode())}\n" for path, text in files.items()]
    files[f"{info}/RECORD"] = "".join([*rows, f"{info}/RECORD,,\n"])
    path = folder / f"{name}-{number}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for place, text in files.items():
            archive.writestr(zipfile.ZipInfo(place, (2020, 2, 2, 0, 0, 0)), text)
    return f"{name}=={number} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def tiny_lock(folder: Path, **other: str) -> UserLock:
    """What a centre needs at least to suit this hub, and `other` packages: name → version."""
    folder.mkdir(exist_ok=True)
    hub = tiny_wheel(
        folder,
        "jupyterhub",
        version("jupyterhub"),
        {"jupyterhub/__init__.py": "", "jupyterhub/singleuser/app.py": "import os\n"},
    )
    lines = [
        tiny_wheel(folder, name, number, {f"{name}.py": f"n = '{number}'\n"})
        for name, number in other.items()
    ]
    absent = "absent==1.0 ; python_version < '3' --hash=sha256:" + "0" * 64 + "\n"
    return UserLock("".join([hub, absent, *lines]))


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
