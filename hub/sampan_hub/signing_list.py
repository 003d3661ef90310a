"""For whom the signer may sign: the descriptors, read by itself, so that a broker that is taken over cannot add to them."""

from __future__ import annotations

from pathlib import Path

from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import read_descriptor

__all__ = ["SigningList"]

_Signature = tuple[int, int, int, int]


class SigningList:
    """A folder of `*.yaml`. A file that becomes broken leaves what it said before, as for the broker; removed, it is gone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[Path, tuple[_Signature, Descriptor | None]] = {}

    def centre(self, name: str) -> Descriptor | None:
        """What is written of this centre now; None where nothing is, or two files claim it."""
        self._look()
        found = [centre for _, centre in self._known.values() if centre is not None and centre.id == name]
        return found[0] if len(found) == 1 else None

    def _look(self) -> None:
        try:
            paths = [
                path for path in self._folder.iterdir() if path.suffix == ".yaml" and path.name[0] != "."
            ]
        except OSError:
            # A folder that cannot be looked into lists nobody.
            paths = []
        known, self._known = self._known, {}
        for path in sorted(paths):
            try:
                found = path.stat()
            except OSError:
                continue
            signature = found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size
            before = known.get(path)
            if before is None or before[0] != signature:
                read = read_descriptor(path)
                before = signature, (read if isinstance(read, Descriptor) else before and before[1])
            self._known[path] = before
