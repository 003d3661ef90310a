"""kill -9 at any act of the broker on the world: each write to its database and each command to a centre."""

from __future__ import annotations

from typing import Any

from sampan_hub.asks import Completed
from sampan_hub.store import Store
from tests.sampan_hub.scripted_site import ScriptedTransport, Site

__all__ = ["Fuse", "FusedStore", "FusedTransport", "Killed"]


class Killed(BaseException):
    """kill -9: nothing of the broker runs any more, no `except` and no `finally` of it saves anything."""


class Fuse:
    """Counts the broker's acts on the world, each write and each command; one of them it does not outlive."""

    def __init__(self) -> None:
        self.left: int | None = None
        """Half acts until the end: a half before an act, a half after it. None: it lives."""

    def half(self) -> None:
        if self.left is not None:
            if self.left <= 0:
                raise Killed
            self.left -= 1


class FusedStore(Store):
    """A database whose writer may die before or after any transaction, never within one: that is the database's promise."""

    fuse = Fuse()

    async def _write(self, work: Any, launch: str = "") -> Any:
        self.fuse.half()
        done = await super()._write(work, launch)
        self.fuse.half()
        return done


class FusedTransport(ScriptedTransport):
    def __init__(self, site: Site, fuse: Fuse) -> None:
        super().__init__(site)
        self._fuse = fuse

    async def run(self, *args: Any, **options: Any) -> Completed:
        self._fuse.half()
        # No job here has files: a process for each folder of theirs would be all that is real of it.
        folder = args[0][0] == "mkdir" and not self.site.trouble.get("*")
        done = Completed(0, "", "") if folder else await super().run(*args, **options)
        self._fuse.half()
        return done
