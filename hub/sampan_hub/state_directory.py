"""The state directory of `sampan up`: what this hub keeps, for its own account alone."""

from __future__ import annotations

import os
import secrets
import stat
import string
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sampan.errors import Invalid

__all__ = ["StateDirectory"]

FOLDERS: Final = ("secrets", "run", "centres", "log", "ca")
# A unix socket's path has at most 107 bytes (man 7 unix); the longest of ours below the directory takes 20.
LONGEST_PATH: Final = 85
# Easy to read aloud and to type: no l, 1, o, 0.
LETTERS: Final = "".join(sorted(set(string.ascii_lowercase + string.digits) - set("l1o0")))


def _hex() -> bytes:
    return secrets.token_hex(32).encode()


def _password() -> bytes:
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(5)) for _ in range(3)).encode()


def _hub_id() -> bytes:
    return (secrets.choice(string.ascii_lowercase) + secrets.token_hex(4)[:7]).encode()


def _key() -> bytes:
    return secrets.token_bytes(32)


SECRETS: Final[dict[str, Callable[[], bytes]]] = {
    "cookie": _hex,
    "culler-token": _hex,
    "hub-broker": _hex,
    "hub-id": _hub_id,
    "master": _key,
    "password": _password,
    "proxy-token": _hex,
    "routes-token": _hex,
    "service-token": _hex,
}
"""What is made once and kept: text, but for the broker's master key, which is 32 bytes as they are."""


class StateDirectory:
    """Mode 0700, files in it 0600. `path` is absolute."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    def make(self) -> None:
        """Makes what is not there yet; twice is as good as once. Raises Invalid where it cannot be used or trusted."""
        if len(os.fsencode(self.path)) > LONGEST_PATH:
            raise Invalid("up.long_path", state=str(self.path), limit=LONGEST_PATH)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            for folder in (self.path, *(self.path / name for name in FOLDERS)):
                folder.mkdir(mode=0o700, exist_ok=True)
                _ours_alone(folder)
            for name, make in SECRETS.items():
                self._make_secret(name, make)
        except OSError as error:
            raise Invalid(
                "up.state", cause=repr(error), state=str(self.path), why=error.strerror or ""
            ) from error

    def secret(self, name: str) -> str:
        return (self.path / "secrets" / name).read_text(encoding="utf-8").strip()

    def log(self, part: str) -> Path:
        return self.path / "log" / f"{part}.log"

    def lock(self, part: str) -> Path:
        return self.path / "run" / f"{part}.lock"

    def _make_secret(self, name: str, make: Callable[[], bytes]) -> None:
        """Whole or not at all, also when two try at once: written aside, then linked to its name, which fails if taken."""
        path = self.path / "secrets" / name
        if not path.exists():
            aside = path.with_name(f".{name}.{secrets.token_hex(4)}")
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(make())
                file.flush()
                os.fsync(file.fileno())
            try:
                path.hardlink_to(aside)
            except FileExistsError:
                pass
            finally:
                aside.unlink()
        _ours_alone(path)


def _ours_alone(path: Path) -> None:
    """Refuses what another account owns or may read: it is known by now, so mending its mode would not help."""
    found = path.lstat()
    strange = stat.S_ISLNK(found.st_mode) or found.st_uid != os.getuid()
    if strange or found.st_mode & 0o077:
        raise Invalid("up.not_private", path=str(path))
