"""What happens to a launch, as a stream of server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

from sampan_hub.store import Store
from sampan_hub.views import transition_view

__all__ = ["KEEPALIVE", "events"]

KEEPALIVE = 15.0
"""Seconds of silence after which a stream sends a comment, so that no proxy in between closes it."""


async def events(
    store: Store, launch: str, after: int, still: Callable[[], Awaitable[bool]]
) -> AsyncIterator[str]:
    """Every transition after that number as an event, then what follows, until the launch has ended.

    With each sign of life it is asked whether whoever listens `still` may.

    https://html.spec.whatwg.org/multipage/server-sent-events.html
    """
    # A number of another database, lost or restored since, is none of these: then everything is told again.
    after = after if await store.told(launch, after) else 0
    # Subscribed before the first read, so that nothing falls between reading and waiting.
    with store.followed(launch) as changed:
        while True:
            changed.clear()
            row = await store.launch(launch)
            for step in await store.transitions(launch, after):
                after = step.number
                yield f"id: {step.number}\ndata: {json.dumps(transition_view(step), ensure_ascii=False)}\n\n"
                if step.final == "ended":
                    return
            if row is None or row.ended_at is not None:
                # Whoever comes back behind the last event has heard it all.
                return
            try:
                async with asyncio.timeout(KEEPALIVE):
                    await changed.wait()
            except TimeoutError:
                yield ": still here\n\n"
                if not await still():
                    return
