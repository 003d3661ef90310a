"""The folder of descriptors, watched: centres come, change and go while the broker runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from watchfiles import awatch

from sampan.errors import Invalid
from sampan.messages import Message
from sampan_hub.centre import Centre, make_centre
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import read_descriptor

__all__ = ["CentreDirectory"]

log = logging.getLogger(__name__)

_LOOK_MS: Final = 10_000
"""After so long the folder is read even if nothing was told: network mounts do not tell of changes."""


class CentreDirectory:
    """The centres of a folder of `*.yaml`. A broken file costs its own centre at most, and names its faults.

    A file that becomes broken, or claims the id of another, leaves the centre that it described before as it was: a slip
    of the pen ends no session. A file that is removed takes its centre away.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.centres: dict[str, Centre] = {}
        self.problems: dict[str, tuple[Invalid, ...]] = {}
        """File name → everything that is wrong with it."""
        self._files: dict[str, str] = {}
        self._reading = asyncio.Lock()

    async def read(self) -> bool:
        """Reads every file once; returns whether anything changed, a problem included."""
        async with self._reading:
            try:
                results = await asyncio.to_thread(_read_all, self.path)
            except OSError as error:
                # A folder that cannot be looked into says nothing about centres, least of all that they have left.
                expected = Message("descriptor.unreadable", {"why": str(error.strerror)})
                name = self.path.name
                return self._remember(
                    {name: (Invalid("centre.descriptor", file=name, key="(folder)", expected=expected),)}
                )
            sound, problems = _sort_out(results)
            changed = await self._apply(sound, frozenset(results))
            return self._remember(problems) or changed

    def _remember(self, problems: Mapping[str, tuple[Invalid, ...]]) -> bool:
        """Keeps what is wrong now and logs what is new of it; returns whether anything is different."""
        before = {name: [str(error) for error in errors] for name, errors in self.problems.items()}
        now = {name: [str(error) for error in errors] for name, errors in problems.items()}
        for name, errors in now.items():
            for error in errors if before.get(name) != errors else ():
                log.error("%s", error)
        for name in before.keys() - now.keys():
            log.info("%s is in order", name)
        self.problems = dict(problems)
        return before != now

    async def _apply(self, sound: Mapping[str, tuple[str, Centre]], present: frozenset[str]) -> bool:
        """Takes over the sound descriptions; keeps what a broken file described; drops what nobody describes."""
        changed = False
        for name in [name for name in self.centres if name not in sound and self._files[name] not in present]:
            await self._drop(name)
            changed = True
        # A file that describes another centre now describes its former one no more.
        for name in [
            name for name in self.centres if name not in sound and self._describes_another(name, sound)
        ]:
            await self._drop(name)
            changed = True
        for name, (file, centre) in sound.items():
            self._files[name] = file
            former = self.centres.get(name)
            if former is not None and former.descriptor == centre.descriptor:
                await centre.close()
                continue
            self.centres[name] = centre
            changed = True
            log.info("centre %s is described by %s", name, file)
            if former is not None:
                await former.close()
        return changed

    def _describes_another(self, name: str, sound: Mapping[str, tuple[str, Centre]]) -> bool:
        return self._files[name] in {file for file, _ in sound.values()}

    async def _drop(self, name: str) -> None:
        centre = self.centres.pop(name)
        file = self._files.pop(name)
        log.info("centre %s has left: %s describes it no more", name, file)
        await centre.close()

    async def run(self, changed: Callable[[], None]) -> None:
        """Reads again whenever a file changes, until cancelled; `changed` is called after each change."""
        while True:
            try:
                await asyncio.to_thread(self.path.mkdir, mode=0o700, parents=True, exist_ok=True)
                # What changed before the watching began, or while it was interrupted.
                await self._reread(changed)
                async for _ in awatch(
                    self.path, rust_timeout=_LOOK_MS, yield_on_timeout=True, debounce=200, step=50
                ):
                    await self._reread(changed)
            except (OSError, RuntimeError) as error:
                # The folder was moved or its file system has gone: the centres stay, and it may come back.
                log.error("%s cannot be watched: %s", self.path, error)
            await asyncio.sleep(_LOOK_MS / 1000)

    async def _reread(self, changed: Callable[[], None]) -> None:
        try:
            if await self.read():
                changed()
        except Exception:
            log.exception("reading %s failed; the centres stay as they were", self.path)

    async def close(self) -> None:
        for centre in self.centres.values():
            await centre.close()


def _read_all(folder: Path) -> dict[str, Descriptor | tuple[Invalid, ...]]:
    """File name → what it holds, for every descriptor in the folder. Hidden files are an editor's, not ours.

    Raises OSError where the folder cannot be read.
    """
    paths = sorted(path for path in folder.iterdir() if path.suffix == ".yaml" and path.name[0] != ".")
    return {path.name: read_descriptor(path) for path in paths}


def _sort_out(
    results: Mapping[str, Descriptor | tuple[Invalid, ...]],
) -> tuple[dict[str, tuple[str, Centre]], dict[str, tuple[Invalid, ...]]]:
    """Centre id → (file, centre) for what can be used, and file → errors for what cannot.

    Of two files with one id neither is used, and both are named: which of them is meant is not ours to guess.
    """
    claims: dict[str, list[str]] = {}
    for file, result in results.items():
        if isinstance(result, Descriptor):
            claims.setdefault(result.id, []).append(file)
    sound: dict[str, tuple[str, Centre]] = {}
    problems: dict[str, tuple[Invalid, ...]] = {}
    for file, result in results.items():
        if not isinstance(result, Descriptor):
            problems[file] = result
        elif others := [other for other in claims[result.id] if other != file]:
            params = {"value": result.id, "other": ", ".join(others)}
            expected = Message("descriptor.another_centre", params)
            problems[file] = (Invalid("centre.descriptor", file=file, key="id", expected=expected),)
        else:
            try:
                sound[result.id] = file, make_centre(result, file)
            except Invalid as error:
                problems[file] = (error,)
    return sound, problems
