"""What a centre's user environment is made from: requirements/user.lock, which ships with the hub. Read once, never changed."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.markers import Marker
from packaging.utils import canonicalize_name

__all__ = ["Pin", "UserLock", "user_lock"]

# In the wheel it lies beside this file, in a checkout where everybody looks for it.
_PLACES: Final = (
    Path(__file__).with_name("user.lock"),
    Path(__file__).parents[2] / "requirements" / "user.lock",
)
_PIN: Final = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==(?P<version>[^\s;]+)")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Pin:
    """One package of the lock. `name` is canonical; `line` is what pip reads, with its hashes and without its marker."""

    name: str
    version: str
    marker: str
    hashes: frozenset[str]

    def holds(self, environment: Mapping[str, str]) -> bool:
        """Whether the package belongs to an environment with those values of PEP 508 (`python_version`, …)."""
        return not self.marker or Marker(self.marker).evaluate(dict(environment))

    @property
    def line(self) -> str:
        return " ".join(
            (f"{self.name}=={self.version}", *(f"--hash=sha256:{one}" for one in sorted(self.hashes)))
        )


@dataclass(frozen=True, slots=True)
class UserLock:
    """`text` is the file as it is. Equal digests are equal environments."""

    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the file, hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def name(self) -> str:
        """What an environment from this lock is called at every centre."""
        return self.digest[:12]

    def pins(self) -> Iterator[Pin]:
        """Every package of it, in its order."""
        for line in self.text.replace("\\\n", " ").splitlines():
            found = _PIN.match(line.strip())
            if found is None:
                continue
            marker = line.partition(";")[2].partition("--hash")[0].strip()
            name = canonicalize_name(found["name"])
            yield Pin(name, found["version"], marker, frozenset(_HASH.findall(line)))


@functools.cache
def user_lock() -> UserLock:
    """The lock of this hub."""
    place = next(place for place in _PLACES if place.is_file())
    return UserLock(place.read_text(encoding="utf-8"))
