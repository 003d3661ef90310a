"""Waiting until one of our own processes answers."""

from __future__ import annotations

import asyncio
from typing import Final

import httpx

__all__ = ["answers"]

FIRST_WAIT: Final = 0.1
LONGEST_WAIT: Final = 2.0
# The hub compares all of its routes before it answers.
LONGEST_ANSWER: Final = 30.0


async def answers(url: str, token: str | None = None, method: str = "GET") -> None:
    """Returns when the request is answered with a success: for as long as that takes, the caller has the deadline.

    Never through a web proxy: what is asked here is on this machine, and the token is for it alone.
    """
    headers = {} if token is None else {"Authorization": f"token {token}"}
    wait = FIRST_WAIT
    async with httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(LONGEST_ANSWER, connect=2)) as http:
        while True:
            try:
                if (await http.request(method, url, headers=headers)).is_success:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(wait)
            wait = min(wait * 1.3, LONGEST_WAIT)
