"""A Dask cluster at another centre: in a kernel there, because no node of one centre reaches another's. It is driven from here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sampan import calls, far_work
from sampan.client import AsyncBroker
from sampan.errors import Conflict, Invalid, Missing, SampanError, Unavailable
from sampan.messages import Language, Message, text
from sampan.side_loop import SpokenLoop

if TYPE_CHECKING:
    from jupyter_client.asynchronous.client import AsyncKernelClient
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

__all__ = ["FarCluster", "Wanted"]

T = TypeVar("T")
_LIGHT: Final = {"cores": "1", "memory": "1"}
"""What the kernel beside the workers needs where nobody says: it holds Dask's scheduler, and what is brought together."""
_GIVEN: Final = frozenset({"workers", "cores", "memory", "accelerator", "accelerators"})
_CELL: Final = {
    "code": far_work.CELL,
    "silent": True,
    "store_history": False,
    "user_expressions": {},
    "allow_stdin": False,
    "stop_on_error": False,
}
_GREETING: Final = 0.2
_LOOK: Final = 5.0
"""Seconds after which it is asked whether a kernel that says nothing is there still."""


@dataclass(frozen=True)
class Wanted:
    """At one centre: `options` of the kernel, as in a start link, and what is `given` to `sampan.cluster` in it."""

    options: Mapping[str, Any]
    given: Mapping[str, Any]

    @classmethod
    def parse(cls, centre: str, told: object) -> Wanted:
        """Raises `Invalid`, naming what nobody understands. `hours` are the kernel's: its workers live as long."""
        if not isinstance(told, Mapping):
            raise Invalid("clusters.given", centre=centre, field=str(told)[:40])
        for name in told:
            if name not in _GIVEN | {"hours", "options"}:
                raise Invalid("clusters.given", centre=centre, field=str(name)[:40])
        hours = {"hours": str(told["hours"])} if "hours" in told else {}
        options = {**(told.get("options") or _LIGHT), **hours, "centre": centre}
        return cls(options, {name: told[name] for name in told if name in _GIVEN})


@dataclass
class _Answer:
    told: Mapping[str, str] | None = None
    error: Mapping[str, Any] | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)


class FarCluster:
    """Of one centre. `run` computes there; `workers` are connected of those that are `wanted`, as was heard lately."""

    def __init__(self, centre: str, loop: SpokenLoop, language: Language) -> None:
        self.centre = centre
        self.workers = 0
        self.wanted = 0
        self.launch = ""
        """The cluster's, when it is open."""
        self.kernel = ""
        """The launch of its kernel."""
        self.news: Mapping[str, Any] = {}
        """What was last said of that launch."""
        self._loop, self._language = loop, language
        self._broker: AsyncBroker | None = None
        self._manager: AsyncKernelManager | None = None
        self._client: AsyncKernelClient | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._heard = asyncio.Event()
        self._answers: dict[str, _Answer] = {}

    def run(self, function: Callable[..., Any], *args: object, **kwargs: object) -> Any:
        """Calls `function(client, …)` there and returns what it returns, 16 MiB at most. Raises what it raises.

        Function and arguments travel as values: a function of the notebook can go, a module has to be there already.
        """
        order = far_work.order(far_work.with_client, function, *args, **kwargs)
        return self._loop.wait(lambda: self.do(order))

    def scale(self, workers: int) -> None:
        """Asks for that many workers there; they come and go while `run` goes on."""
        self._loop.wait(lambda: self.resize({"workers": workers}))

    def adapt(self, minimum: int = 0, maximum: int = 4) -> None:
        """From `minimum` to `maximum` workers there, as there is work."""
        self._loop.wait(lambda: self.resize({"minimum": minimum, "maximum": maximum}))

    def say_workers(self) -> str:
        return f"{self.workers}/{self.wanted}"

    def say_state(self) -> str:
        return str(self.news.get(self._language, "–"))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.centre} {self.say_workers()}>"

    # On the loop at the side

    async def start(self, wanted: Wanted, within: str, broker: AsyncBroker) -> None:
        """Returns when the workers' jobs are submitted. Raises what is refused, and why there will be no kernel."""
        try:
            from jupyter_client.manager import AsyncKernelManager
        except ModuleNotFoundError as error:
            raise Missing("cluster.no_dask", str(error)) from error
        self._manager = AsyncKernelManager(kernel_spec_manager=_specs(wanted.options, within))
        await self._manager.start_kernel()
        self._client = self._manager.client()
        self._client.start_channels(stdin=False, hb=False, control=False)
        self._hearing = asyncio.create_task(self._hear(self._client))
        while not self._heard.is_set():
            # What is published before it is subscribed to is not heard by anybody.
            self._client.kernel_info()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._heard.wait(), _GREETING)
        told = await self.do(far_work.order(far_work.begin, dict(wanted.given)))
        if told["python"] != far_work.python():
            raise Invalid("clusters.python", centre=self.centre, there=told["python"], here=far_work.python())
        self._broker, self.launch = broker, told["launch"]

    async def do(self, order: str) -> Any:
        """Has an order of :mod:`sampan.far_work` done there; cancelled here, it is interrupted there."""
        if self._client is None or self._manager is None or self._hearing is None:
            raise Conflict("clusters.closed")
        message = self._client.session.msg("execute_request", _CELL, metadata={far_work.KIND: order})
        asked, answer = message["header"]["msg_id"], _Answer()
        self._answers[asked] = answer
        self._client.shell_channel.send(message)
        try:
            while not answer.done.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(answer.done.wait(), _LOOK)
                if not answer.done.is_set() and (self._hearing.done() or not await self._manager.is_alive()):
                    raise self._over("")
        except asyncio.CancelledError:
            await self._manager.interrupt_kernel()
            raise
        finally:
            del self._answers[asked]
        if answer.told is not None:
            return far_work.read(answer.told, self.centre)
        error = answer.error or {}
        if self.news.get("state") == "over":
            raise self._over(str(error.get("evalue", "")))
        why = ": ".join(filter(None, (error.get("ename"), error.get("evalue"))))
        raise Invalid("clusters.raised", centre=self.centre, error=why)

    def _over(self, cause: str) -> Unavailable:
        told = self.news.get("state") == "over"
        why = text(self.news) if told else Message("clusters.process")
        return Unavailable("clusters.over", cause, centre=self.centre, why=why)

    async def resize(self, wish: Mapping[str, int]) -> None:
        if self._broker is None:
            raise Conflict("clusters.closed")
        await self._broker.ask(calls.resize(self.launch, dict(wish)))

    async def look(self) -> None:
        """How many workers there are, as far as anybody knows."""
        if self._broker is None:
            return
        with suppress(SampanError):
            told = await self._broker.ask(calls.cluster(self.launch))
            self.workers, self.wanted = told["workers"], told["wanted"]

    async def end(self) -> None:
        """Gives the kernel's job back, and with it go its workers. Never raises what the broker did not hear."""
        self._broker = None
        if self._hearing is not None:
            self._hearing.cancel()
            await asyncio.gather(self._hearing, return_exceptions=True)
        client, manager, self._client, self._manager = self._client, self._manager, None, None
        if client is not None:
            client.stop_channels()
        if manager is not None and manager.has_kernel:
            await manager.shutdown_kernel(now=True)

    async def _hear(self, client: AsyncKernelClient) -> None:
        while True:
            message = await client.get_iopub_msg()
            self._heard.set()
            content, kind = message["content"], message["msg_type"]
            if kind == "sampan_launch":
                self._note(content)
            elif (answer := self._answers.get(message["parent_header"].get("msg_id"))) is None:
                continue
            elif kind == "stream":
                for line in content["text"].splitlines():
                    self._loop.say(f"{self.centre}: {line}")
            elif kind == "display_data":
                answer.told = content["data"].get(far_work.KIND, answer.told)
            elif kind == "error":
                answer.error = content
            elif kind == "status" and content["execution_state"] == "idle":
                answer.done.set()

    def _note(self, news: Mapping[str, Any]) -> None:
        """Each step of the launch is told again to whoever comes."""
        if news[self._language] != self.news.get(self._language):
            self._loop.say(f"{self.centre}: {news[self._language]}")
        self.news, self.kernel = news, str(news["launch"])


def _specs(options: Mapping[str, Any], within: str) -> KernelSpecManager:
    """A kernelspec that lies nowhere, as the Lab's own of kernels elsewhere."""
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

    config = {"options": dict(options), "within": within}
    provisioner = {"provisioner_name": "sampan-provisioner", "config": config}

    class Specs(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            return KernelSpec(
                argv=[], language="python", display_name="", metadata={"kernel_provisioner": provisioner}
            )

    return Specs()
