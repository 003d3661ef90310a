"""Jobs that are to be given back and are not yet, because the broker is away: a file each, for this process and those after it."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from sampan.address import Address
from sampan.errors import SampanError, Unavailable

__all__ = ["Owed"]

WAITS: Final = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between attempts, for whoever waits for them."""
LONGEST: Final = 30.0
"""And then, in the background."""
_NAME: Final = "stop-"
log = logging.getLogger(__name__)


class Owed:
    """The launches of one broker that are to be stopped, in `folder`."""

    def __init__(self, address: Address, folder: Path) -> None:
        self._address, self._folder = address, folder

    def __bool__(self) -> bool:
        return bool(self._launches())

    async def stop(self, launch: str) -> None:
        """Stops it, or leaves it for :meth:`settle`. Never raises."""
        self._remember(launch)
        for wait in (*WAITS, 0):
            if await self._stopped(launch):
                return
            await asyncio.sleep(wait)
        log.warning("launch %s is stopped as soon as the broker is there again", launch)

    async def settle(self) -> None:
        """Returns when nothing is owed any more, however long the broker is away."""
        wait = WAITS[0]
        while launches := self._launches():
            for launch in launches:
                if not await self._stopped(launch):
                    break
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST)

    async def _stopped(self, launch: str) -> bool:
        """Whether the broker has heard it; a launch that it does not know is none."""
        # Kept from the start of a server: the client's imports cost a seventh of a second.
        from sampan.client import AsyncBroker

        try:
            async with AsyncBroker(self._address) as broker:
                await broker.stop(launch)
        except Unavailable as error:
            log.info("launch %s is not stopped yet: %s", launch, error)
            return False
        except SampanError as error:
            log.info("launch %s is not stopped: %s", launch, error)
        with suppress(OSError):
            self._file(launch).unlink(missing_ok=True)
        return True

    def _remember(self, launch: str) -> None:
        # A full disk costs those after this process the knowledge, and this one nothing.
        with suppress(OSError):
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(self._file(launch), flags, 0o600), "w", encoding="utf-8") as file:
                file.write(self._address.url)

    def _launches(self) -> list[str]:
        """Of this broker: a person may know two hubs."""
        found = []
        for file in self._folder.glob(f"{_NAME}*"):
            with suppress(OSError, UnicodeDecodeError):
                if file.read_text(encoding="utf-8") == self._address.url:
                    found.append(file.name.removeprefix(_NAME))
        return found

    def _file(self, launch: str) -> Path:
        return self._folder / f"{_NAME}{launch}"
