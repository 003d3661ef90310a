"""One kernel that is a launch of the broker: asked for, followed, led here, restarted, given back."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from sampan import calls
from sampan.address import Address
from sampan.calls import Call, Json, Options
from sampan.client import AsyncBroker
from sampan.errors import SampanError, Unavailable
from sampan.messages import Language, Message
from sampan_kernels.bridge import Bridge
from sampan_kernels.kept import Kept
from sampan_kernels.news import news
from sampan_kernels.owed import Owed
from sampan_kernels.relay import Relay
from sampan_kernels.seen import Seen

__all__ = ["FarKernel", "Wish"]

ANSWER_SECONDS: Final = 60.0
"""For a kernel that is restarted to answer."""
AGAIN: Final = 1.0
"""Seconds between attempts to follow a launch, and to reach a kernel that is there."""
NOTES: Final = ("seen", "kept")
"""What is remembered of a kernel for the next server; a file each."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wish:
    """What is asked for. `name` is unique among its person's live kernels, `parent` the launch that it ends with."""

    name: str
    options: Options
    parent: str | None
    language: Language


class FarKernel:
    """Made, used and freed on one event loop. Its sockets are there at once, and lead to it when it is."""

    def __init__(
        self,
        address: Address,
        wish: Wish,
        folder: Path,
        say: Callable[[Message], None],
        memory: Path,
    ) -> None:
        """`folder` is for its sockets, and goes with it; `say` is told each step on the way.

        `memory` is a folder for what a server after this one has to know of it, gone when it is freed.
        """
        self._address, self._wish, self._folder, self._say = address, wish, folder, say
        self._broker = AsyncBroker(address)
        self._launch = ""
        self._bridge: Bridge | None = None
        self._notes = {name: memory / f"{name}-{wish.name}" for name in NOTES}
        self._owed = Owed(address, memory)
        self._seen = Seen(self._notes["seen"])
        self._relay = Relay(folder, self._seen, Kept(self._notes["kept"]), wish.language)
        self._tasks: list[asyncio.Task[None]] = []
        self._over: Message | None = None
        self._ended = False

    @property
    def launch(self) -> str:
        return self._launch

    @property
    def leads(self) -> bool:
        """Whether there is a kernel behind its sockets."""
        return self._relay.leads

    @property
    def over(self) -> Message | None:
        """Why its launch has ended, None while it has not."""
        return self._over

    async def start(self) -> Mapping[str, Any]:
        """Asks for it, and says how to connect: at once, also where it waits in a queue for hours. Raises what is refused."""
        wish = self._wish
        while True:
            made = await self._broker.create("kernel", wish.name, wish.options, "/", parent=wish.parent)
            if made["target"] == "ready":
                return await self.resume(str(made["id"]))
            # The one before is on its way out, and of one name there is one at a time.
            await self._wait_for_end(str(made["id"]))

    async def resume(self, launch: str) -> Mapping[str, Any]:
        """The same for a launch that there is already: its kernel goes on."""
        self._launch = launch
        work = (self._follow(), self.settle())
        self._tasks = [asyncio.get_running_loop().create_task(one) for one in work]
        return self._relay.connection

    def told(self, message: str) -> None:
        """A page has got it. From the thread that writes to pages, and at once: this process may be killed at any moment."""
        self._seen.told(message)

    async def restart(self) -> Mapping[str, Any]:
        """The same, for the kernel anew in the job that it has. Where that is over, nothing is started elsewhere."""
        self._relay.show()
        if self._bridge is None and self._over is None:
            await self._relay.interrupt()
            return self._relay.connection
        told = await self.ask(calls.restart)
        self._relay.hold()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while told["running"] and not told["ready"]:
                    await asyncio.sleep(0.1)
                    told = await self.ask(calls.kernel)
        except TimeoutError as error:
            raise Unavailable("link.kernel", f"launch {self._launch}") from error
        if not told["running"]:
            raise Unavailable("link.kernel", f"launch {self._launch}: exit status {told['exit']}")
        await self._lead()
        return self._relay.connection

    async def ask(self, what: Callable[[str], Call[Json]]) -> Json:
        """One of the rows of :mod:`sampan.calls` that are about a kernel."""
        return await self._broker.ask(what(self._launch))

    async def interrupt(self) -> None:
        """What it computes, or what is to be computed when it is there."""
        if self.leads:
            await self.ask(calls.interrupt)
        else:
            await self._relay.interrupt()

    async def free(self) -> None:
        """Gives its job back, also before it has started. Never raises: what the broker did not hear is owed."""
        if self._launch and not self._ended:
            await self._owed.stop(self._launch)
        await self.leave()
        for note in self._notes.values():
            note.unlink(missing_ok=True)

    async def leave(self) -> None:
        """Lets go of it here; the kernel goes on, for whoever comes back to it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._relay.close()
        if self._bridge is not None:
            await self._bridge.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        await self._broker.aclose()

    @property
    def owes(self) -> bool:
        """Whether there are jobs that are to be given back and are not yet: this one's, or those of others before it."""
        return bool(self._owed)

    async def settle(self) -> None:
        """Returns when nothing is owed. Also after :meth:`free`."""
        await self._owed.settle()

    async def _follow(self) -> None:
        """Returns when the launch has ended. A broker that has just come back may say first that it does not know yet."""
        while True:
            try:
                return await self._pass_on()
            except Unavailable as error:
                log.info("launch %s is not followed yet: %s", self._launch, error)
                await asyncio.sleep(AGAIN)
            except SampanError as error:
                return await self._end(error.message)

    async def _pass_on(self) -> None:
        """Passes on each step until the launch has ended, and leads to its kernel when that is there."""
        async with aclosing(self._broker.events(self._launch)) as steps:
            async for step in steps:
                message = Message.from_json(step["message"])
                self._say(message)
                await self._relay.tell(asdict(news(self._launch, step, self._bridge is not None)))
                if step["final"] == "ready" and self._bridge is None:
                    await self._reach()
                elif step["final"] == "ended":
                    self._ended = True
                    await self._end(message)
                    return

    async def _reach(self) -> None:
        """The broker may be away in the moment in which it would tell the keys."""
        while True:
            try:
                return await self._lead()
            except Unavailable as error:
                log.info("launch %s is not reached yet: %s", self._launch, error)
                await asyncio.sleep(AGAIN)

    async def _end(self, why: Message) -> None:
        self._over = why if self._bridge is None else Message("kernel.over", {"why": why})
        await self._relay.end(self._over)

    async def _lead(self) -> None:
        keys = await self.ask(calls.keys)
        if self._bridge is None:
            self._bridge = Bridge(self._address, self._launch, self._folder / "far")
            await self._bridge.open()
        # The same name for every server that comes: a reply to one that was killed reaches the one after it.
        await self._relay.lead(self._bridge.ip, keys, f"sampan-{self._wish.name}")

    async def _wait_for_end(self, launch: str) -> None:
        async with aclosing(self._broker.events(launch)) as steps:
            async for step in steps:
                if step["final"] == "ended":
                    return
