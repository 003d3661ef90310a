"""What differs between the kinds of launches: one row each. A kind without a row cannot be asked for yet."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sampan.errors import SampanError
from sampan.stages import Kind
from sampan_hub.link import Link

__all__ = ["KINDS", "Manner"]

_ANSWER_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Manner:
    """How launches of a kind begin."""

    protocol: int
    """The oldest protocol whose launchers can start it."""
    by_hub: bool
    """Whether only the hub asks for it; and it does not start before the hub has told its identity."""
    by_jobs: bool
    """Whether code in a job may ask for it, by the job's own token; it then ends with that job's launch."""
    answers: Callable[[Link, str], Awaitable[bool]]
    """Whether what was started behind the link, under that prefix, can be used."""


async def _server_answers(link: Link, prefix: str) -> bool:
    """Whether the server answers HTTP: any answer below 500 is one."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            reader, writer = await link.open_server()
            try:
                writer.write(
                    f"GET {prefix}api HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
                )
                line = await reader.readline()
            finally:
                writer.close()
    except (TimeoutError, OSError, SampanError):
        return False
    parts = line.split(b" ", 2)
    return len(parts) > 1 and re.fullmatch(rb"[1-4]\d\d", parts[1]) is not None


async def _kernel_answers(link: Link, _: str) -> bool:
    """Whether its heartbeat answers: the launcher asks it, which has its keys."""
    try:
        return (await link.status()).ready
    except SampanError:
        return False


async def _stands(_: Link, __: str) -> bool:
    """Nothing is started behind a link of its own: it stands where its parent runs."""
    return True


KINDS: Final[Mapping[Kind, Manner]] = MappingProxyType(
    {
        Kind.SERVER: Manner(protocol=1, by_hub=True, by_jobs=False, answers=_server_answers),
        Kind.KERNEL: Manner(protocol=2, by_hub=False, by_jobs=False, answers=_kernel_answers),
        Kind.CLUSTER: Manner(protocol=1, by_hub=False, by_jobs=True, answers=_stands),
    }
)
