"""What kind of machine a Python runs on, as far as wheels differ by it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sampan.errors import Refused

__all__ = ["OLDEST", "Machine"]

OLDEST: Final = (3, 11)
"""Of Python, that sampan runs on."""
_PLATFORM: Final = re.compile(r"Linux-.*-(x86_64|aarch64)-with-glibc(\d+)\.(\d+)")
_FIRST_GLIBC: Final = 5
"""The oldest that any wheel names: manylinux1 is 2.5. https://peps.python.org/pep-0600/"""
_OLD_NAMES: Final = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}


@dataclass(frozen=True, slots=True)
class Machine:
    """`python` as `3.11.2`; `architecture` as the kernel calls it; `glibc` is its minor version, of 2."""

    python: str
    architecture: str
    glibc: int

    @classmethod
    def parse(cls, python: str, platform: str) -> Machine:
        """From what a Python says of itself with `-V` and with `-m platform`. Raises `Refused` where wheels fit none."""
        found = _PLATFORM.fullmatch(platform)
        if found is None or found[2] != "2":
            raise Refused("environment.platform", platform=platform[:200])
        machine = cls(python, found[1], int(found[3]))
        if machine.release < OLDEST:
            raise Refused("environment.old_python", there=python, needed=".".join(map(str, OLDEST)))
        return machine

    @property
    def release(self) -> tuple[int, int]:
        major, minor, *_ = self.python.split(".")
        return int(major), int(minor)

    @property
    def name(self) -> str:
        """For a folder of wheels: two machines with the same name take the same ones."""
        return f"cp{self.release[0]}{self.release[1]}-glibc2.{self.glibc}-{self.architecture}"

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platform tags of wheels that run there, the newest first."""
        tags = []
        for minor in range(self.glibc, _FIRST_GLIBC - 1, -1):
            tags.append(f"manylinux_2_{minor}_{self.architecture}")
            if minor in _OLD_NAMES:
                tags.append(f"{_OLD_NAMES[minor]}_{self.architecture}")
        return (*tags, f"linux_{self.architecture}")

    @property
    def markers(self) -> Mapping[str, str]:
        """The values of PEP 508 there: https://packaging.python.org/specifications/dependency-specifiers/"""
        return {
            "implementation_name": "cpython",
            "implementation_version": self.python,
            "os_name": "posix",
            "platform_machine": self.architecture,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": self.python,
            "python_version": ".".join(map(str, self.release)),
            "sys_platform": "linux",
            "extra": "",
        }
