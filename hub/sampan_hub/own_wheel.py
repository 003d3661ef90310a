"""Sampan as a wheel, made from what is installed here: a centre gets what this hub runs, also from a checkout.

Without a build tool, which a hub does not have; equal sources give equal bytes.
https://packaging.python.org/specifications/binary-distribution-format/
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Final

__all__ = ["OwnWheel", "own_wheel"]

PACKAGES: Final = ("sampan", "sampan_hub", "sampan_spawners", "sampan_kernels", "sampan_lab")
_METADATA: Final = ("METADATA", "WHEEL", "entry_points.txt")
_WHEEL: Final = "Wheel-Version: 1.0\nGenerator: sampan\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_WHEN: Final = (2020, 2, 2, 0, 0, 0)
"""Of every file in it, so that its digest tells of contents alone."""


@dataclass(frozen=True, slots=True)
class OwnWheel:
    """`version` is sampan's; `data` the whole file."""

    version: str
    data: bytes

    @property
    def digest(self) -> str:
        """SHA-256, hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def file(self) -> str:
        return f"sampan-{self.version}-py3-none-any.whl"


def own_wheel() -> OwnWheel:
    """All packages of the distribution, with its metadata."""
    told = distribution("sampan")
    info = f"sampan-{told.version}.dist-info"
    files = dict(_sources())
    for name in _METADATA:
        text = _WHEEL if name == "WHEEL" else told.read_text(name)
        if text is not None:
            files[f"{info}/{name}"] = text.encode()
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD")
    buffer = io.BytesIO()
    # Not compressed: what that makes of it differs between versions of zlib.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path, _WHEN)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return OwnWheel(told.version, buffer.getvalue())


def _sources() -> Iterator[tuple[str, bytes]]:
    """Path in the wheel → contents."""
    for package in PACKAGES:
        found = find_spec(package)
        folders = found.submodule_search_locations if found is not None else None
        if not folders:
            raise ModuleNotFoundError(package)
        root = Path(folders[0])
        for path in sorted(root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield f"{package}/{path.relative_to(root).as_posix()}", path.read_bytes()


def _record(files: dict[str, bytes], own: str) -> bytes:
    lines = [f"{path},sha256={_urlsafe(data)},{len(data)}" for path, data in files.items()]
    return "\n".join((*lines, f"{own},,", "")).encode()


def _urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
