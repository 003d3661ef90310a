"""The wheels of a lock for one kind of machine: fetched once, kept in the state directory, each held against its hash."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from sampan.errors import Unavailable
from sampan_hub.machine import Machine
from sampan_hub.user_lock import Pin, UserLock

__all__ = ["Wheel", "Wheelhouse"]

DEADLINE: Final = 3600.0
"""Seconds for pip to fetch everything."""
_TAIL: Final = 600


@dataclass(frozen=True, slots=True)
class Wheel:
    """A file as the lock wants it. `digest`: SHA-256, hexadecimal; `size` in bytes."""

    path: Path
    digest: str
    size: int

    @property
    def file(self) -> str:
        return self.path.name


class Wheelhouse:
    """Below `folder`, which is made where it is missing. Several locks share it, since a wheel is known by its hash."""

    def __init__(self, folder: Path, lock: UserLock, machine: Machine) -> None:
        self.folder = folder / machine.name
        self._machine = machine
        self._pins = tuple(pin for pin in lock.pins() if pin.holds(machine.markers))

    async def wheels(self) -> tuple[Wheel, ...]:
        """All of them, fetched now where one is missing. Raises `Unavailable` where pip cannot."""
        have = await asyncio.to_thread(self._look)
        if self._missing(have):
            await self._fetch()
            have = await asyncio.to_thread(self._look)
        if missing := self._missing(have):
            raise Unavailable("environment.no_wheel", missing=", ".join(pin.name for pin in missing))
        return tuple(have[pin.name] for pin in self._pins)

    async def complete(self) -> bool:
        """Whether nothing has to be fetched."""
        return not self._missing(await asyncio.to_thread(self._look))

    def _missing(self, have: Mapping[str, Wheel]) -> list[Pin]:
        return [pin for pin in self._pins if pin.name not in have]

    def _look(self) -> dict[str, Wheel]:
        """Package → its wheel, of those that are here and that the lock knows by their hashes."""
        pins = {(pin.name, pin.version): pin for pin in self._pins}
        have: dict[str, Wheel] = {}
        for path in sorted(self.folder.glob("*.whl")):
            try:
                name, version, _, _ = parse_wheel_filename(path.name)
            except InvalidWheelFilename:
                continue
            pin = pins.get((name, str(version)))
            if pin is not None and (digest := _digest(path)) in pin.hashes:
                have[pin.name] = Wheel(path, digest, path.stat().st_size)
        return have

    async def _fetch(self) -> None:
        """By pip, with this machine's own settings of where from; what is here already it does not fetch again."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        wanted = self.folder / "wanted.txt"
        wanted.write_text("".join(f"{pin.line}\n" for pin in self._pins), encoding="utf-8")
        major, minor = self._machine.release
        argv = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
        ]
        argv += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--implementation", "cp"]
        argv += ["--python-version", f"{major}.{minor}"]
        argv += [word for tag in self._machine.platforms for word in ("--platform", tag)]
        try:
            status, said = await _run([*argv, "--dest", str(self.folder), "--requirement", str(wanted)])
        except TimeoutError as error:
            raise Unavailable("environment.no_wheels", why=f"pip: {DEADLINE:.0f} s") from error
        if status != 0:
            raise Unavailable("environment.no_wheels", cause=f"pip: exit {status}", why=said[-_TAIL:])


async def _run(argv: list[str]) -> tuple[int, str]:
    """The status of a program of ours, and what it said of its failure. It ends with whoever waits for it."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(DEADLINE):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await asyncio.shield(process.wait())
    errors = [line for line in said.decode("utf-8", "replace").splitlines() if line.startswith("ERROR")]
    return process.returncode or 0, "\n".join(errors) or said.decode("utf-8", "replace")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
