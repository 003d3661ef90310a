"""Bringing files to a centre over its transport, piece by piece: what is there already with the right hash is not sent again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sampan.errors import Unavailable
from sampan.messages import text
from sampan_hub import environments
from sampan_hub.centre import Centre

__all__ = ["Carried", "Freight", "carry"]

PIECE: Final = 2 << 20
"""Bytes of one command's input: a slow way takes seconds for it, and a cut one loses no more."""
DEADLINE: Final = 180.0
_AT_ONCE: Final = 40
"""Files that one question about hashes names: its line has a limit."""
_HASHING: Final = 120.0


@dataclass(frozen=True, slots=True)
class Freight:
    """One file: from here, to there. `digest`: SHA-256, hexadecimal; `size` in bytes."""

    source: Path
    target: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Carried:
    """How far it is. `there`: bytes that were there already; `sent` of `size` the others."""

    there: int
    sent: int
    size: int


async def carry(centre: Centre, freight: Sequence[Freight]) -> AsyncGenerator[Carried]:
    """Yields once before the first piece and after each. A file is seen whole and with the right hash, or not at all.

    Killed or cut off in between and called again, it goes on with the first file that is not there. Raises what
    `Centre.ask` raises, and `Unavailable` where what arrived is not what was sent.
    """
    found = await _hashes(centre, [one.target for one in freight])
    missing = [one for one in freight if found.get(one.target) != one.digest]
    size = sum(one.size for one in missing)
    there, sent = sum(one.size for one in freight) - size, 0
    yield Carried(there, sent, size)
    for one in missing:
        for offset in range(0, max(one.size, 1), PIECE):
            data = await asyncio.to_thread(_piece, one.source, offset)
            await centre.ask(environments.write(one.target, offset, data), deadline=DEADLINE)
            sent += len(data)
            yield Carried(there, sent, size)
        await _settle(centre, one)


async def _settle(centre: Centre, one: Freight) -> None:
    """Looked at before it gets its name."""
    aside = f"{one.target}.part"
    arrived = await _hashes(centre, [aside])
    if arrived.get(aside) != one.digest:
        cause = f"{aside}: {arrived.get(aside)}, not {one.digest}"
        raise Unavailable("environment.damaged", cause, centre=text(centre.descriptor.names.model_dump()))
    await centre.ask(environments.rename(one.target), deadline=DEADLINE)


async def _hashes(centre: Centre, paths: Sequence[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for first in range(0, len(paths), _AT_ONCE):
        ask = environments.hashes(paths[first : first + _AT_ONCE])
        told: Mapping[str, str] = await centre.ask(ask, deadline=_HASHING)
        found.update(told)
    return found


def _piece(source: Path, offset: int) -> bytes:
    with source.open("rb") as file:
        file.seek(offset)
        return file.read(PIECE)
