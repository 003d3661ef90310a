"""`sampan.clusters`: Dask clusters at several centres in one notebook. Reduce near the data, combine what is small at home."""

from __future__ import annotations

import asyncio
import atexit
import os
import secrets
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import aclosing, suppress
from html import escape
from typing import Any, Final, Self

from sampan import far_work
from sampan.client import AsyncBroker, Broker
from sampan.errors import Forbidden, Invalid, SampanError
from sampan.far_cluster import FarCluster, Wanted
from sampan.foreman import Foreman
from sampan.messages import LANGUAGES
from sampan.need import Need
from sampan.side_loop import SpokenLoop
from sampan.tables import table
from sampan.whereabouts import here, spoken_language

__all__ = ["Fleet", "clusters", "share"]

_LOOK: Final = 2.0
"""Seconds between two looks at how many workers there are, which the panel is told."""
_LEAVE: Final = 5.0
HEADS: Final = (("Centre", "Workers", "State"), ("超算中心", "工作进程", "状态"))


def clusters(**centres: Mapping[str, Any]) -> Fleet:
    """A Dask cluster at each of these centres, used from here: of a centre's name what `sampan.cluster` takes.

    No node of a centre reaches another's, so functions go to the data and come back with what is small::

        def mean(client, path):
            return client.submit(reduce, path).result()

        with sampan.clusters(east=dict(workers=2), west=dict(workers=2)) as two:
            parts = two.run(mean, "/data/ocean.zarr")  # {"east": …, "west": …}

    Each is held by a kernel there, a launch like any other: it may wait in a queue, and what it waits for is printed.
    `options=` says what that kernel needs, as in a start link. Where one does not come, all are given up. Raises `Invalid`
    (an argument), `Refused` (a centre cannot give that), `Unavailable` (no answer), `Forbidden` (in a kernel elsewhere).
    """
    if not centres:
        raise Invalid("clusters.none")
    wanted = {centre: Wanted.parse(centre, told) for centre, told in centres.items()}
    if os.environ.get("SAMPAN_BROKER_TOKEN"):
        raise Forbidden("clusters.elsewhere")
    fleet = Fleet(wanted)
    fleet.open()
    return fleet


class Fleet(Mapping[str, FarCluster]):
    """Centre → its cluster. All of it ends with `close`, with the `with` block, with this process and with its session."""

    def __init__(self, wanted: Mapping[str, Wanted]) -> None:
        self._wanted = wanted
        self._language = spoken_language(os.environ)
        self._loop = SpokenLoop("clusters")
        self._all = {centre: FarCluster(centre, self._loop, self._language) for centre in wanted}
        self._closed = False
        self._over = asyncio.Event()
        """Set when the launch that all of it ends with was ended elsewhere."""
        self._broker: AsyncBroker | None = None
        self._foreman: Foreman | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Returns when all workers' jobs are submitted. Where one centre fails, nothing is left of the others."""
        atexit.register(self._let_go)
        try:
            self._loop.wait(self._start)
        except BaseException:
            self.close()
            raise

    def run(self, function: Callable[..., Any], *args: object, **kwargs: object) -> dict[str, Any]:
        """Calls `function(client, …)` at all centres at the same time: centre → result. See :meth:`FarCluster.run`.

        Where it raises, the others are interrupted.
        """
        order = far_work.order(far_work.with_client, function, *args, **kwargs)
        return self._loop.wait(lambda: self._together(lambda one: one.do(order)))

    def scale(self, workers: int) -> None:
        """Asks for that many workers at each."""
        self._loop.wait(lambda: self._resize({"workers": workers}))

    def adapt(self, minimum: int = 0, maximum: int = 4) -> None:
        """From `minimum` to `maximum` workers at each, as there is work."""
        self._loop.wait(lambda: self._resize({"minimum": minimum, "maximum": maximum}))

    def close(self) -> None:
        """Gives everything back. Twice is once."""
        if self._closed:
            return
        self._closed = True
        self._loop.wait(self._end)
        self._loop.close()
        atexit.unregister(self._let_go)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getitem__(self, centre: str) -> FarCluster:
        return self._all[centre]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __repr__(self) -> str:
        return table(self._heads, self._rows())

    def _repr_html_(self) -> str:
        heads = "".join(
            f'<th scope="col" style="text-align:left">{escape(head)}</th>' for head in self._heads
        )
        lines = (
            "".join(f'<td style="text-align:left">{escape(cell)}</td>' for cell in row)
            for row in self._rows()
        )
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        return f'<table lang="{self._language}"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'

    @property
    def _heads(self) -> tuple[str, ...]:
        return HEADS[LANGUAGES.index(self._language)]

    def _rows(self) -> list[tuple[str, ...]]:
        return [(centre, one.say_workers(), one.say_state()) for centre, one in self._all.items()]

    def _let_go(self) -> None:
        """At the end of a process that did not close it. Where there is no time for that, the broker notices."""
        held = [self._foreman.launch] if self._foreman else [one.kernel for one in self._all.values()]
        with suppress(SampanError), Broker.from_environment(deadline=_LEAVE) as broker:
            for launch in filter(None, held):
                with suppress(SampanError):
                    broker.stop(launch)

    # On the loop at the side

    async def _start(self) -> None:
        broker = self._broker = AsyncBroker.from_environment()
        within = await self._hold(broker)
        await self._together(lambda one: one.start(self._wanted[one.centre], within, broker))
        self._tasks.append(asyncio.create_task(self._watch()))

    async def _hold(self, broker: AsyncBroker) -> str:
        """A launch of kind cluster that everything ends with: the broker ends it when nobody of this process listens any more.

        On a person's own machine there is no session for it to belong to.
        """
        session = os.environ.get("SAMPAN_LAUNCH")
        if os.environ.get("SAMPAN_URL") or not session:
            return ""
        name = f"{' + '.join(self._all)[:50]} {secrets.token_hex(4)}"
        # It has no job of its own, so this is what any centre can give.
        need = Need(1, 256, 60, centre=here().centre)
        made = await broker.create("cluster", name, need.to_options(), "/", parent=session)
        self._foreman = Foreman(AsyncBroker.from_environment(), made["id"], {})
        self._tasks.append(asyncio.create_task(self._listen(self._foreman)))
        return self._foreman.launch

    async def _listen(self, foreman: Foreman) -> None:
        """Does what is asked for in the Lab's panel, which tells of the workers of all together; until it is ended there."""
        async with aclosing(foreman.wishes()) as wishes:
            async for wish in wishes:
                if wish:
                    with suppress(SampanError):
                        await self._share(wish)
        self._over.set()

    async def _share(self, wish: Mapping[str, int]) -> None:
        places = list(self._all)

        def part(centre: str) -> dict[str, int]:
            return {word: share(total, places.index(centre), len(places)) for word, total in wish.items()}

        await self._together(lambda one: one.resize(part(one.centre)))

    async def _watch(self) -> None:
        while not self._over.is_set():
            for one in self._all.values():
                await one.look()
            if self._foreman is not None:
                fields = ("workers", "wanted")
                have = {name: sum(getattr(one, name) for one in self._all.values()) for name in fields}
                await self._foreman.tell(have)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), _LOOK)
        # What went with it has no workers any more.
        for one in self._all.values():
            one.workers = one.wanted = 0

    async def _resize(self, wish: Mapping[str, int]) -> None:
        await self._together(lambda one: one.resize(wish))

    async def _together(self, what: Callable[[FarCluster], Coroutine[Any, Any, Any]]) -> dict[str, Any]:
        """At all at the same time; the first that fails is raised, and the others are cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = {centre: group.create_task(what(one)) for centre, one in self._all.items()}
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from several.exceptions[0].__cause__
        return {centre: task.result() for centre, task in tasks.items()}

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._foreman is not None:
            await self._foreman.close()
        await asyncio.gather(*(one.end() for one in self._all.values()))
        if self._broker is not None:
            await self._broker.aclose()


def share(total: int, place: int, among: int) -> int:
    """Of `total`, what the one at `place` of so many gets: as equal as can be, and more of more."""
    return total // among + (place < total % among)
