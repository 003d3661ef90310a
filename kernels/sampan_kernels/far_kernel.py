"""One kernel that is a launch of the broker: asked for, followed, led here, restarted, given back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import Any, Final

from sampan import calls
from sampan.address import Address
from sampan.calls import Call, Json, Options
from sampan.client import AsyncBroker
from sampan.errors import Refused, SampanError, Unavailable
from sampan.messages import Message
from sampan_kernels.bridge import Bridge
from sampan_kernels.connection import PORTS

__all__ = ["FarKernel"]

ANSWER_SECONDS: Final = 60.0
"""For a kernel that is restarted to answer."""
FREE_WAITS: Final = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between attempts to give a job back while the broker is away."""
log = logging.getLogger(__name__)


class FarKernel:
    """Made, used and freed on one event loop."""

    def __init__(
        self,
        address: Address,
        name: str,
        options: Options,
        parent: str | None,
        say: Callable[[Message], None],
    ) -> None:
        """`say` is told each step on the way."""
        self._address = address
        self._broker = AsyncBroker(address)
        self._name, self._options, self._parent, self._say = name, options, parent, say
        self._launch = ""
        self._bridge: Bridge | None = None

    async def start(self) -> Mapping[str, Any]:
        """How to connect to it, once it answers: in a queue that may take hours. Raises what it ended with instead."""
        while True:
            made = await self._broker.create("kernel", self._name, self._options, "/", parent=self._parent)
            self._launch = str(made["id"])
            if made["target"] == "ready":
                break
            # The one before is on its way out, and of one name there is one at a time.
            await self._follow(until="ended")
        await self._follow(until="ready")
        return await self._connection()

    async def restart(self) -> Mapping[str, Any]:
        """The same, for the kernel anew in the job that it has. Where that is over, nothing is started elsewhere."""
        told = await self.ask(calls.restart)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while told["running"] and not told["ready"]:
                    await asyncio.sleep(0.1)
                    told = await self.ask(calls.kernel)
        except TimeoutError as error:
            raise Unavailable("link.kernel", f"launch {self._launch}") from error
        if not told["running"]:
            raise Unavailable("link.kernel", f"launch {self._launch}: exit status {told['exit']}")
        return await self._connection()

    async def ask(self, what: Callable[[str], Call[Json]]) -> Json:
        """One of the rows of :mod:`sampan.calls` that are about a kernel."""
        return await self._broker.ask(what(self._launch))

    async def free(self) -> None:
        """Gives its job back, also before it has started. Never raises: what the broker did not hear is in the log."""
        if self._bridge is not None:
            await self._bridge.close()
        if self._launch:
            await self._stop()
        await self._broker.aclose()

    async def _follow(self, until: str) -> None:
        async with aclosing(self._broker.events(self._launch)) as steps:
            async for step in steps:
                message = Message.from_json(step["message"])
                self._say(message)
                if step["final"] == until:
                    return
                if step["final"] == "ended":
                    raise Refused("launch.failed", f"launch {self._launch}", why=message)

    async def _connection(self) -> Mapping[str, Any]:
        if self._bridge is None:
            self._bridge = Bridge(self._address, self._launch)
        await self._bridge.open()
        ports = {f"{name}_port": number for name, number in PORTS.items()}
        return {"transport": "ipc", "ip": self._bridge.ip, **ports, **await self.ask(calls.keys)}

    async def _stop(self) -> None:
        for wait in (*FREE_WAITS, None):
            try:
                await self._broker.stop(self._launch)
            except Unavailable as error:
                if wait is not None:
                    await asyncio.sleep(wait)
                    continue
                log.error("launch %s could not be stopped: %s", self._launch, error)
            except SampanError as error:
                log.info("launch %s is not stopped: %s", self._launch, error)
            return
