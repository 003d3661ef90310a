"""What clients asked of a kernel before it was there, in order; also after this process was killed, for the server after it."""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sampan_kernels.parcel import Parcel

__all__ = ["Asked", "Kept"]

Asked = tuple[str, Parcel]
"""Socket, message."""


class Kept:
    """In memory, and a line each in `file` where one is given."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._asked: list[Asked] = []
        if file is not None:
            with suppress(OSError, ValueError):
                self._asked = [_read(line) for line in file.read_text(encoding="ascii").splitlines()]

    def __bool__(self) -> bool:
        return bool(self._asked)

    def add(self, asked: Asked) -> None:
        self._asked.append(asked)
        self._write([asked])

    def first(self) -> Asked:
        """Takes it. From then on the file has it no more: what may have been run is not run a second time."""
        taken = self._asked.pop(0)
        self._write_anew()
        return taken

    def take(self, kind: str | None = None) -> list[Asked]:
        """Takes all, or all of that kind."""
        taken = [one for one in self._asked if kind in (None, one[1].kind)]
        self._asked = [one for one in self._asked if one not in taken]
        self._write_anew()
        return taken

    def _write_anew(self) -> None:
        if self._file is not None:
            # First, as the disk may be full: rather none of the rest than again what was taken.
            self._file.unlink(missing_ok=True)
            self._write(self._asked)

    def _write(self, asked: Sequence[Asked]) -> None:
        if self._file is None or not asked:
            return
        lines = "".join(f"{_line(one)}\n" for one in asked)
        # A full disk costs the server after this one the requests, and this one nothing.
        with suppress(OSError):
            how = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = os.open(self._file, how, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(lines)


def _line(asked: Asked) -> str:
    name, parcel = asked
    return json.dumps([name, *([b64encode(part).decode() for part in some] for some in _parts(parcel))])


def _parts(parcel: Parcel) -> tuple[tuple[bytes, ...], ...]:
    return parcel.address, parcel.parts


def _read(line: str) -> Asked:
    name, address, parts = json.loads(line)
    return str(name), Parcel(tuple(map(b64decode, address)), tuple(map(b64decode, parts)))
