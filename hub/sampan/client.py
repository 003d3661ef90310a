"""The broker's client: one for programs that await (`AsyncBroker`), one for notebooks and commands (`Broker`).

Every method raises the tree of :mod:`sampan.errors`: what the broker refused comes back as it was raised there, and a way
that is cut is `Unreachable`. Nothing waits longer than the client's deadline, in seconds.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from types import TracebackType
from typing import Final, Self, TypeVar

import httpx

from sampan import calls
from sampan.address import Address
from sampan.calls import Call, Json, Options
from sampan.errors import SampanError, Unreachable
from sampan.event_stream import EventStream
from sampan.wire import CONNECT, connections, read, refusal, request, settings

__all__ = ["AsyncBroker", "Broker"]

T = TypeVar("T")
DEADLINE: Final = 15.0
# The broker says at least a comment every 15 s; silence for three times that means nobody is there any more.
SILENCE: Final = 45.0


class AsyncBroker:
    """The broker, for programs with an event loop: the hub's spawner, the lab extension, a service.

    `url` is the hub's address or the broker's own (`http+unix://` too), or `socket` names its unix socket. `token` is a
    JupyterHub token. `secret` is the hub's and goes with `user`, whom it acts for (see :meth:`as_user`). `sharing` are the
    connections of another client, which stays their owner.
    """

    def __init__(
        self,
        url: str | Address | None = None,
        *,
        token: str | None = None,
        socket: str | os.PathLike[str] | None = None,
        secret: str | None = None,
        user: str | None = None,
        deadline: float = DEADLINE,
        sharing: httpx.AsyncClient | None = None,
    ) -> None:
        if not isinstance(url, Address):
            url = Address.parse(url, socket=socket, token=token, secret=secret, user=user)
        self._http = sharing or connections(url, deadline)
        self._address = url
        self._headers = url.headers()
        self._deadline = deadline
        self._owned = sharing is None

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ, *, deadline: float = DEADLINE
    ) -> Self:
        """For a session (SAMPAN_BROKER_URL) or a person's own machine (SAMPAN_URL, SAMPAN_TOKEN). Raises Invalid."""
        return cls(Address.from_environment(environment), deadline=deadline)

    def as_user(self, name: str) -> Self:
        """The same connections, acting for this user of the hub; needs the secret. Closing the view closes nothing."""
        acting = replace(self._address, user=name)
        return type(self)(acting, deadline=self._deadline, sharing=self._http)

    async def aclose(self) -> None:
        if self._owned:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def version(self) -> Json:
        return await self.ask(calls.version())

    async def plans(self) -> list[Json]:
        return await self.ask(calls.plans())

    async def centres(self) -> list[Json]:
        return await self.ask(calls.centres())

    async def facts(self, centre: str, share: str | None = None) -> Json:
        """What a notebook at this centre needs to start workers there."""
        return await self.ask(calls.facts(centre, share))

    async def place(self, options: Options) -> Json:
        """What these options would get and why; nothing is started."""
        return await self.ask(calls.place(options))

    async def create(
        self,
        kind: str,
        name: str,
        options: Options,
        prefix: str,
        key: str | None = None,
        parent: str | None = None,
        groups: Sequence[str] = (),
    ) -> Json:
        """Asks for a launch; the live one of (owner, kind, name) is returned where there is one.

        `prefix` is the path its server answers at, `key` an idempotency key, `parent` the launch that it ends with,
        `groups` the owner's groups where the hub asks: turns are taken between groups.
        """
        return await self.ask(calls.create(kind, name, options, prefix, key, parent, groups))

    async def launch(self, id_: str) -> Json:
        return await self.ask(calls.launch(id_))

    async def launches(self, all: bool = False, owner: str | None = None) -> list[Json]:  # noqa: A002
        """One's own launches; with `all` ended ones too; `owner` (`*`: everybody) is for administrators."""
        return await self.ask(calls.launches(all, owner))

    async def stop(self, id_: str) -> Json:
        """Asks for its end; returns at once, :meth:`events` tell when it is gone."""
        return await self.ask(calls.stop(id_))

    async def put_identity(self, id_: str, env: Mapping[str, str]) -> None:
        """Hands over the environment its server is to get when it is reached (the hub only)."""
        await self.ask(calls.put_identity(id_, env))

    async def get_identity(self, id_: str) -> str | None:
        """The API token that the running server holds, None while there is none (the hub only)."""
        return await self.ask(calls.get_identity(id_))

    async def log(self, id_: str) -> str:
        """The tail of what its job wrote."""
        return await self.ask(calls.log(id_))

    async def events(
        self, id_: str, after: int | None = None, *, reconnect: bool = True
    ) -> AsyncGenerator[Json, None]:
        """Every step of a launch, from the first or from after number `after`, until it has ended.

        A step is `{"id", "at", "progress", "stage", "seen", "centre", "message", "final"}`. When the broker or the way to
        it goes away, the follower waits for it and goes on where it was, for as long as it takes; without `reconnect` it
        raises Unreachable.
        """
        stream = EventStream(after, reconnect=reconnect)
        while True:
            try:
                async with aclosing(self._steps(id_, stream)) as steps:
                    async for event in steps:
                        yield event
                if stream.ended:
                    return
                raise Unreachable("broker.unreachable", cause="the event stream ended early")
            except SampanError as error:
                await asyncio.sleep(stream.broken(error))

    async def _steps(self, id_: str, stream: EventStream) -> AsyncGenerator[Json, None]:
        """The events of one connection."""
        call = calls.events(id_)
        call = replace(call, headers={**call.headers, **stream.headers()})
        async with aclosing(self.lines(call, stream.opened)) as lines:
            async for line in lines:
                if (event := stream.feed(line)) is not None:
                    yield event
                if stream.ended:
                    return

    async def lines(
        self, call: Call[None], opened: Callable[[], None] = lambda: None
    ) -> AsyncGenerator[str, None]:
        """The lines of an answer that goes on, as they come, until it ends. `opened` is called when it begins."""
        quiet = httpx.Timeout(self._deadline, read=SILENCE, connect=CONNECT)
        headers = {**self._headers, **call.headers}
        try:
            async with self._http.stream(call.method, call.path, headers=headers, timeout=quiet) as answer:
                if answer.status_code != 200:
                    await answer.aread()
                    raise refusal(answer, self._address.url)
                opened()
                async for line in answer.aiter_lines():
                    yield line
        except httpx.HTTPError as error:
            raise Unreachable("broker.unreachable", cause=repr(error)) from error

    async def ask(self, call: Call[T]) -> T:
        try:
            async with asyncio.timeout(self._deadline):
                answer = await self._http.request(**request(call, self._headers))
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unreachable("broker.unreachable", cause=repr(error)) from error
        return read(call, answer, self._address.url)


class Broker:
    """The broker, for notebooks and commands: the same questions, answered before the call returns."""

    def __init__(
        self,
        url: str | Address | None = None,
        *,
        token: str | None = None,
        socket: str | os.PathLike[str] | None = None,
        deadline: float = DEADLINE,
    ) -> None:
        if not isinstance(url, Address):
            url = Address.parse(url, socket=socket, token=token)
        # No TLS over a unix socket: nobody reads this machine's certificates for it.
        way = None if url.socket is None else httpx.HTTPTransport(uds=url.socket, verify=False)
        self._http = httpx.Client(transport=way, **settings(url, deadline))
        self._address = url
        self._headers = url.headers()

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ, *, deadline: float = DEADLINE
    ) -> Self:
        """For a session (SAMPAN_BROKER_URL) or a person's own machine (SAMPAN_URL, SAMPAN_TOKEN). Raises Invalid."""
        return cls(Address.from_environment(environment), deadline=deadline)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def plans(self) -> list[Json]:
        return self.ask(calls.plans())

    def centres(self) -> list[Json]:
        return self.ask(calls.centres())

    def facts(self, centre: str, share: str | None = None) -> Json:
        return self.ask(calls.facts(centre, share))

    def place(self, options: Options) -> Json:
        return self.ask(calls.place(options))

    def launches(self, all: bool = False, owner: str | None = None) -> list[Json]:  # noqa: A002
        return self.ask(calls.launches(all, owner))

    def launch(self, id_: str) -> Json:
        return self.ask(calls.launch(id_))

    def stop(self, id_: str) -> Json:
        return self.ask(calls.stop(id_))

    def ask(self, call: Call[T]) -> T:
        """Any other row of :mod:`sampan.calls`."""
        try:
            answer = self._http.request(**request(call, self._headers))
        except httpx.HTTPError as error:
            raise Unreachable("broker.unreachable", cause=repr(error)) from error
        return read(call, answer, self._address.url)
