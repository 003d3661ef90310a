"""The folder of descriptors, watched: centres come, change and go while the broker runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from watchfiles import awatch

from sampan.errors import Invalid
from sampan_hub.centre import Centre, make_centre
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import read_descriptor

__all__ = ["CentreDirectory"]

log = logging.getLogger(__name__)


class CentreDirectory:
    """The centres of a folder of `*.yaml`. A broken file costs its own centre at most, and names its faults.

    A file that becomes broken leaves the centre that it described before in place: a slip of the pen ends no session.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.centres: dict[str, Centre] = {}
        self.problems: dict[str, tuple[Invalid, ...]] = {}
        """File name → everything that is wrong with it."""
        self._files: dict[str, str] = {}

    async def read(self) -> bool:
        """Reads every file once; returns whether anything changed."""
        found: dict[str, tuple[str, Descriptor]] = {}
        problems: dict[str, tuple[Invalid, ...]] = {}
        broken_files: set[str] = set()
        for path in sorted(self.path.glob("*.yaml")) if self.path.is_dir() else []:
            result = await asyncio.to_thread(read_descriptor, path)
            if not isinstance(result, Descriptor):
                problems[path.name] = result
                broken_files.add(path.name)
            elif unsupported := _unsupported(path.name, result):
                problems[path.name] = (unsupported,)
                broken_files.add(path.name)
            elif result.id in found:
                first = found[result.id][0]
                clash = Invalid(
                    "centre.descriptor",
                    file=path.name,
                    key="id",
                    expected=f"another id; {result.id} is that of {first}",
                )
                problems[path.name] = (clash,)
            else:
                found[result.id] = (path.name, result)
        changed = await self._apply(found, broken_files)
        for name, errors in problems.items():
            if self.problems.get(name) is None or [str(e) for e in self.problems[name]] != [
                str(e) for e in errors
            ]:
                for error in errors:
                    log.error("%s", error)
        changed = changed or set(problems) != set(self.problems)
        self.problems = problems
        return changed

    async def _apply(self, found: dict[str, tuple[str, Descriptor]], broken_files: set[str]) -> bool:
        changed = False
        for name in list(self.centres):
            kept = self._files[name] in broken_files
            if name not in found and not kept:
                await self.centres.pop(name).close()
                del self._files[name]
                changed = True
                log.info("centre %s has left", name)
        for name, (file, descriptor) in found.items():
            self._files[name] = file
            if name in self.centres and self.centres[name].descriptor == descriptor:
                continue
            if name in self.centres:
                await self.centres[name].close()
            self.centres[name] = make_centre(descriptor)
            changed = True
            log.info("centre %s is described by %s", name, file)
        return changed

    async def run(self, changed: Callable[[], None]) -> None:
        """Reads again whenever a file changes, until cancelled; `changed` is called after a change of the centres."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The periodic look is for file systems that do not tell of changes (network mounts).
        async for _ in awatch(self.path, rust_timeout=10_000, yield_on_timeout=True, debounce=200, step=50):
            try:
                if await self.read():
                    changed()
            except Exception:
                log.exception("reading %s failed; the centres stay as they were", self.path)

    async def close(self) -> None:
        for centre in self.centres.values():
            await centre.close()


def _unsupported(file: str, descriptor: Descriptor) -> Invalid | None:
    """The error of a descriptor that asks for a transport or scheduler that this version does not have."""
    try:
        make_centre(descriptor, file)
    except Invalid as error:
        return error
    return None
