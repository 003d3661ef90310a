"""A user environment that Sampan makes at a centre: where it lies there, and every command that goes there for it. Pure.

Below `environment.prefix`, which belongs to the service account::

    <lock>                          a link to the build in use, by the first digits of the lock's digest
    builds/<lock>-<wheel>-<time>/   environments, each made once and never changed; with a record when it is whole
    wheels/                         what they are made from: wheels by their names, locks, sampan's own below its digest

The commands run as the service account; a gate at the centre knows what each of them looks like (`sampan_kernels.gate`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sampan.errors import Refused, Unavailable
from sampan_hub.asks import Ask, Completed
from sampan_hub.descriptor import Descriptor
from sampan_hub.user_lock import user_lock

__all__ = [
    "RECORD",
    "SCHEMA",
    "Place",
    "facts",
    "hashes",
    "install",
    "install_own",
    "make_folders",
    "make_venv",
    "open_to_all",
    "platform",
    "point",
    "remove",
    "rename",
    "version",
    "with_interpreter",
    "write",
]


SCHEMA: Final = "sampan/environment/1"
RECORD: Final = "sampan-environment.json"
"""In a build that is whole; `sampan_kernels.environment` reads it there."""
MODULE: Final = "sampan_kernels.environment"
_PIP: Final = ("-I", "-m", "pip", "--isolated", "--disable-pip-version-check", "--no-input", "-q", "install")
_OPTIONS: Final = ("--no-index", "--no-deps", "--no-cache-dir", "--no-warn-script-location")
_TAIL: Final = 600
"""Characters of what a program said of its failure that are kept."""


def with_interpreter(descriptor: Descriptor) -> Descriptor:
    """The descriptor with the path of the interpreter in it, also where Sampan makes the environment."""
    environment = descriptor.environment
    if environment.prefix is None:
        return descriptor
    python = Place(environment.prefix, user_lock().name).python
    return descriptor.model_copy(update={"environment": environment.model_copy(update={"python": python})})


class Place:
    """Where the environments of one lock lie below `prefix`."""

    def __init__(self, prefix: str, lock: str) -> None:
        self.prefix = prefix.rstrip("/")
        self.lock = lock

    @property
    def wheels(self) -> str:
        return f"{self.prefix}/wheels"

    @property
    def builds(self) -> str:
        return f"{self.prefix}/builds"

    @property
    def link(self) -> str:
        return f"{self.prefix}/{self.lock}"

    @property
    def python(self) -> str:
        """Of the build in use."""
        return f"{self.link}/bin/python"


# --- what is there


def version(base: str) -> Ask[str]:
    """The version of a Python, as `3.11.2`."""
    return Ask("env-version", (base, "-I", "-V"), _version)


def platform(base: str) -> Ask[str]:
    """Its machine and C library, in one line: https://docs.python.org/3/library/platform.html#cross-platform"""
    return Ask("env-platform", (base, "-I", "-m", "platform"), lambda done: _sound(done).stdout.strip())


def facts(python: str, *, everything: bool = False) -> Ask[Mapping[str, Any] | None]:
    """What an environment says of itself; None where there is none at that path. `everything`: packages and imports too."""
    return Ask("env-facts", (python, "-I", "-m", MODULE, *(("--all",) if everything else ())), _facts)


def hashes(paths: Sequence[str]) -> Ask[Mapping[str, str]]:
    """SHA-256 of each file that is there."""
    return Ask("env-hashes", ("sha256sum", "--", *paths), _hashes)


# --- what is brought there


def make_folders(paths: Sequence[str]) -> Ask[None]:
    """Folders that everybody may look into; those that are there stay as they are."""
    return Ask("env-folders", ("mkdir", "-p", "-m", "755", "--", *paths), _done)


def write(path: str, offset: int, data: bytes) -> Ask[None]:
    """A piece of a file that is not yet the file: what was behind `offset` is gone, `data` stands there."""
    argv = ("dd", f"of={path}.part", "bs=64K", f"seek={offset}", "oflag=seek_bytes", "status=none")
    return Ask("env-write", argv, _done, data)


def rename(path: str) -> Ask[None]:
    """The file, or the link, that was written aside takes its place in one step."""
    return Ask("env-rename", ("mv", "-T", "--", f"{path}.part", path), _done)


# --- what is made of it


def make_venv(base: str, build: str) -> Ask[None]:
    return Ask("env-venv", (base, "-I", "-m", "venv", "--", build), _done)


def install(build: str, wheels: str, lock: str) -> Ask[None]:
    """Everything in the lock, from the wheels that are there and from nowhere else."""
    what = ("--find-links", wheels, "--require-hashes", "-r", lock)
    return Ask("env-install", (f"{build}/bin/python", *_PIP, *_OPTIONS, *what), _done)


def install_own(build: str, wheel: str) -> Ask[None]:
    return Ask("env-install-own", (f"{build}/bin/python", *_PIP, *_OPTIONS, wheel), _done)


def open_to_all(build: str) -> Ask[None]:
    """Readable by every account, whatever umask the service account has, and written by nobody else."""
    return Ask("env-open", ("chmod", "-R", "a+rX,go-w", "--", build), _done)


def remove(build: str) -> Ask[None]:
    """A build that never became whole."""
    return Ask("env-remove", ("rm", "-rf", "--", build), lambda _: None)


def point(place: Place, build: str) -> tuple[Ask[None], ...]:
    """One after another: the link leads to `build` from one moment to the next. Each may be said again."""
    aside = f"{place.link}.part"
    return (
        Ask("env-unlink", ("rm", "-f", "--", aside), _done),
        Ask("env-link", ("ln", "-s", "-T", "--", f"builds/{build.rpartition('/')[2]}", aside), _done),
        rename(place.link),
    )


# --- reading what comes back


def _sound(done: Completed) -> Completed:
    """Raises `Refused` with what the program said where it failed."""
    if done.status != 0:
        why = (done.stderr.strip() or done.stdout.strip())[-_TAIL:]
        raise Refused("environment.failed", cause=f"exit {done.status}", why=why or f"exit {done.status}")
    return done


def _done(done: Completed) -> None:
    _sound(done)


def _version(done: Completed) -> str:
    found = re.search(r"Python (\d+\.\d+\.\d+)", _sound(done).stdout)
    if found is None:
        raise Unavailable("environment.no_answer", cause=done.stdout[:200])
    return found[1]


def _hashes(done: Completed) -> Mapping[str, str]:
    """A file that is missing is named on stderr and makes the status 1; the others are told all the same."""
    lines = (line.partition("  ") for line in done.stdout.splitlines())
    return {path: digest for digest, _, path in lines if re.fullmatch(r"[0-9a-f]{64}", digest)}


def _facts(done: Completed) -> Mapping[str, Any] | None:
    if done.status == 127:
        return None
    try:
        said = json.loads(done.stdout)
    except ValueError:
        said = None
    if done.status != 0 or not isinstance(said, dict):
        raise Unavailable(
            "environment.no_answer", cause=f"exit {done.status}: {done.stderr.strip()[-_TAIL:]}"
        )
    return said
