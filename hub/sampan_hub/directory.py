"""The folder of descriptors, watched: centres come, change and go while the broker runs."""

from __future__ import annotations

import asyncio
import logging
import time
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

_LOOK_MS: Final = 2_000
"""After so long the folder is looked at even if nothing was told: network mounts do not tell of changes."""
_SETTLED_NS: Final = 2 * 10**9
"""A file that was written so recently may be written again without its times telling."""

_Result = Descriptor | tuple[Invalid, ...]
_Signature = tuple[int, int, int, int]


class CentreDirectory:
    """The centres of a folder of `*.yaml`. A broken file costs its own centre at most, and names its faults.

    A file that becomes broken, or claims the id of another, leaves the centre that it described before as it was: a slip
    of the pen ends no session. A file that is removed takes its centre away.
    """

    def __init__(self, path: Path, signer: Path | None = None) -> None:
        """`signer`: the socket of who signs certificates, for the centres that are reached over ssh."""
        self.path = path
        self._signer = signer
        self.centres: dict[str, Centre] = {}
        self.problems: dict[str, tuple[Invalid, ...]] = {}
        """File name → everything that is wrong with it."""
        self._files: dict[str, str] = {}
        self._read: dict[str, tuple[_Signature, _Result]] = {}
        self._reading = asyncio.Lock()

    async def read(self) -> bool:
        """Reads every file once; returns whether anything changed, a problem included."""
        async with self._reading:
            try:
                results = await asyncio.to_thread(self._read_all)
            except OSError as error:
                # A folder that cannot be looked into says nothing about centres, least of all that they have left.
                expected = Message("descriptor.unreadable", {"why": str(error.strerror)})
                name = self.path.name
                return self._remember(
                    {name: (Invalid("centre.descriptor", file=name, key="(folder)", expected=expected),)}
                )
            sound, problems = _sort_out(results, self._signer)
            changed = await self._apply(sound, frozenset(results))
            return self._remember(problems) or changed

    def _read_all(self) -> dict[str, _Result]:
        """File name → what it holds, for every descriptor in the folder. Hidden files are an editor's, not ours.

        Files that have not changed are not read again. Raises OSError where the folder cannot be read.
        """
        results: dict[str, _Result] = {}
        known, self._read = self._read, {}
        for path in sorted(self.path.iterdir()):
            if path.suffix != ".yaml" or path.name.startswith("."):
                continue
            signature = _signature(path)
            before = known.get(path.name)
            if before is not None and before[0] == signature:
                results[path.name] = before[1]
            else:
                results[path.name] = read_descriptor(path)
            if signature is not None and time.time_ns() - signature[0] > _SETTLED_NS:
                self._read[path.name] = signature, results[path.name]
        return results

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

    def concerns(self, file: str) -> frozenset[str]:
        """The centres that a file is about: the one that it described last, and the one that it is named after.

        What is in a broken file may not even say its id.
        """
        described = {name for name, last in self._files.items() if last == file}
        return frozenset({*described, file.removesuffix(".yaml")})

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


def _signature(path: Path) -> _Signature | None:
    """What changes when a file does; None where it cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size


def _sort_out(
    results: Mapping[str, _Result], signer: Path | None
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
                sound[result.id] = file, make_centre(result, file, signer=signer)
            except Invalid as error:
                problems[file] = (error,)
    return sound, problems
