"""The way of one Dask cluster to the broker, which writes its workers' jobs: many asked for together, and wishes heard."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, Final, TypeVar

from sampan import calls
from sampan.client import AsyncBroker
from sampan.errors import Missing, SampanError, Unavailable

__all__ = ["Foreman"]

T = TypeVar("T")
log = logging.getLogger(__name__)

_GATHER: Final = 0.01
"""Seconds in which workers that are asked for, or given back, one by one become one request."""
_TOGETHER: Final = 25
"""Jobs whose end is asked for at once: the broker has them ended one by one, and answers in time."""
_AGAIN: Final = 2.0
_PATIENCE: Final = 20.0
"""Seconds that the first workers wait for a broker that gives no answer; later ones wait for as long as it takes."""


class Foreman:
    """Of the cluster with that launch. Lives on the loop of the cluster; `order` goes with every request for workers."""

    def __init__(self, broker: AsyncBroker, launch: str, order: dict[str, str]) -> None:
        self.launch = launch
        self.leaving = False
        """Whether the whole cluster goes: single workers need not be ended any more."""
        self._broker = broker
        self._order = order
        self._wanted: dict[int, asyncio.Future[str]] = {}
        self._unwanted: dict[str, asyncio.Future[None]] = {}
        self._hired = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def hire(self, number: int, address: str) -> str:
        """The job of the worker with that number, once it is submitted. Raises what the broker says."""
        future = self._wanted[number] = asyncio.get_running_loop().create_future()
        if len(self._wanted) == 1:
            self._do(self._submit(address))
        job: str = await future
        return job

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _submit(self, address: str) -> None:
        await asyncio.sleep(_GATHER)
        wanted, self._wanted = self._wanted, {}
        order = {**self._order, "address": address, "key": secrets.token_hex(16), "numbers": sorted(wanted)}
        try:
            jobs = (await self._insist(calls.hire(self.launch, order)))["jobs"]
            for number, future in wanted.items():
                if not future.done():
                    future.set_result(str(jobs[str(number)]))
        except (SampanError, KeyError, TypeError) as error:
            why = (
                error
                if isinstance(error, SampanError)
                else Unavailable("broker.no_answer", cause=repr(error))
            )
            for future in wanted.values():
                if not future.done():
                    future.set_exception(why)

    async def _insist(self, call: calls.Call[T]) -> T:
        """Asks until there is an answer: workers that run go on meanwhile. The first ones do not wait for that long."""
        began, told = asyncio.get_running_loop().time(), False
        while True:
            try:
                answer = await self._broker.ask(call)
            except Unavailable as error:
                waited = asyncio.get_running_loop().time() - began
                if self.leaving or (not self._hired and waited > _PATIENCE):
                    raise
                if self._hired and not told:
                    log.warning("%s", Unavailable("cluster.waits", why=error.message))
                    told = True
                await asyncio.sleep(_AGAIN)
                continue
            self._hired = True
            return answer

    async def dismiss(self, job: str) -> None:
        """Asks for the end of one worker's job. Where nobody answers, the worker ends when its scheduler is gone."""
        if self.leaving:
            return
        future = self._unwanted[job] = asyncio.get_running_loop().create_future()
        if len(self._unwanted) == 1:
            self._do(self._cancel())
        await future

    async def _cancel(self) -> None:
        await asyncio.sleep(_GATHER)
        unwanted, self._unwanted = self._unwanted, {}
        jobs = list(unwanted)
        try:
            for first in range(0, len(jobs), _TOGETHER):
                some = jobs[first : first + _TOGETHER]
                if self.leaving:
                    return
                try:
                    await self._broker.ask(calls.dismiss(self.launch, some))
                except SampanError as error:
                    log.warning("jobs %s could not be cancelled: %s", ", ".join(some), error)
        finally:
            for future in unwanted.values():
                if not future.done():
                    future.set_result(None)

    async def tell(self, state: dict[str, Any]) -> None:
        with contextlib.suppress(SampanError):
            await self._broker.ask(calls.tell_cluster(self.launch, state))

    async def wishes(self) -> AsyncGenerator[dict[str, Any], None]:
        """Sizes that are asked for elsewhere; ends when the launch is over. `{}` when the way there was made anew.

        The broker takes a cluster whose object does not listen to be gone, so this goes on for as long as that lives.
        """
        while not self.leaving:
            try:
                async with contextlib.aclosing(self._broker.lines(calls.wishes(self.launch))) as lines:
                    yield {}
                    async for line in lines:
                        wish = json.loads(line)
                        if wish.get("over"):
                            return
                        if wish:
                            yield wish
            except Missing:
                return
            except (SampanError, ValueError) as error:
                if isinstance(error, SampanError) and error.code == "launch.over":
                    return
                log.info("cluster %s: nobody listens: %s", self.launch, error)
            await asyncio.sleep(_AGAIN)

    async def close(self) -> None:
        """Ends the launch, and with it every job."""
        self.leaving = True
        with contextlib.suppress(SampanError):
            await self._broker.stop(self.launch)
        await self._broker.aclose()
