"""The broker: `python -m sampan_hub.broker`. A process of its own; launches outlive it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Collection, Iterator
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from sampan import logs
from sampan.errors import SampanError
from sampan.stages import Kind
from sampan_hub import lab_files, notify
from sampan_hub.api import make_app
from sampan_hub.asking import LOCAL
from sampan_hub.directory import CentreDirectory
from sampan_hub.doors import Doors
from sampan_hub.doubts import recalled
from sampan_hub.keys import MasterKey
from sampan_hub.launching import Launching
from sampan_hub.metrics import Metrics
from sampan_hub.people import Logins
from sampan_hub.queries import outcomes_since
from sampan_hub.reconcile import Reconciler
from sampan_hub.services import Services
from sampan_hub.settings import Settings, parse
from sampan_hub.store import Store
from sampan_hub.sweep import sweep
from sampan_hub.waits import History
from sampan_hub.watch import Watch

__all__ = ["Broker", "main"]

log = logging.getLogger(__name__)

WAITS_REMEMBERED = 7 * 24 * 3600.0
"""Seconds of history that what is said about waits is made of."""
OUTCOMES_REMEMBERED = 2 * 3600.0
"""Seconds after which one start says nothing any more about the next."""
_RECALL = 3600.0
API_SOCKET, HUB_SOCKET = "api", "hub"
"""Names under which the supervisor keeps the two listening sockets of the HTTP interface over a restart."""


class Broker:
    """Puts the parts together, runs them, and takes them apart. Jobs are never touched by its coming and going."""

    def __init__(self, settings: Settings, kept: dict[str, socket.socket] | None = None) -> None:
        """`kept`: listening sockets that the supervisor held over a restart, by name."""
        self.settings = settings
        self._kept = kept or {}
        self.services: Services | None = None
        self._watching: dict[str, asyncio.Task[None]] = {}
        self._sweeping: dict[str, asyncio.Task[None]] = {}
        self._recall_at = 0.0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[FastAPI]:
        """Everything but the HTTP servers: the application inside is ready to answer."""
        settings = self.settings
        store = await Store.open(settings.database_url)
        directory = CentreDirectory(settings.centres, settings.signer)
        doors = Doors(
            settings.door_ports,
            accounts=frozenset({os.getuid(), *settings.door_accounts}),
            kept=self._kept,
            home=f"{settings.public_url}/hub/home",
        )
        master = MasterKey.load(settings.state / "secrets" / "master")
        services = Services(settings, store, directory, doors, master, wake=lambda _: None)
        self.services = services
        doors.explain = services.explain
        reconciler = Reconciler(services)
        services.wake = reconciler.wake
        logins = Logins(settings.hub_api, settings.secret("service-token"), settings.secret("hub-broker"))
        launching = Launching(services, reconciler)
        services.take_up = launching.take_up
        services.lab_files = await asyncio.to_thread(lab_files.keep, settings.state / "lab")
        metrics = Metrics(services)
        await metrics.begin()
        await directory.read()
        self._follow(reconciler)
        for launch in await store.live_launches():
            if launch.kind == Kind.SERVER:
                await launching.open_door(launch)
        reading = directory.run(lambda: self._follow(reconciler))
        beside = (
            asyncio.create_task(reading, name="centre directory"),
            asyncio.create_task(services.stalls.run(), name="stalls"),
            asyncio.create_task(services.chronicle.keep(services.watches), name="chronicle"),
            asyncio.create_task(services.shelf.keep(), name="catalogue"),
            asyncio.create_task(services.verifier.run(services.now), name="verifier"),
        )
        try:
            await reconciler.start()
            yield make_app(services, logins, launching, metrics)
        finally:
            await self._close(services, reconciler, beside)

    def _follow(self, reconciler: Reconciler) -> None:
        """Watches every centre that there is now, and none that has gone or was described anew."""
        services = self.services
        if services is None:
            return
        for name in list(self._watching):
            centre = services.directory.centres.get(name)
            if centre is None or services.watches[name].centre is not centre:
                self._watching.pop(name).cancel()
                self._sweeping.pop(name).cancel()
                services.watches.pop(name)
                services.forget_missing_accounts(name)
                services.strays.forget(name)
        for name, centre in services.directory.centres.items():
            if name not in self._watching:
                services.watches[name] = Watch(centre, reconciler.heard)
                self._watching[name] = asyncio.create_task(services.watches[name].run(), name=f"watch {name}")
                self._sweeping[name] = asyncio.create_task(self._sweep(services, name), name=f"sweep {name}")
        reconciler.wake_all()

    async def _sweep(self, services: Services, name: str) -> None:
        while True:
            try:
                await sweep(services, name)
                await self._recall_waits(services)
            except SampanError as error:
                log.warning("%s was not swept: %s", name, error)
            except Exception:
                log.exception("%s was not swept; it is tried again", name)
            # Somebody may have been given an account there in the meantime.
            services.forget_missing_accounts(name)
            if all(services.strays.whole(centre).is_set() for centre in services.directory.centres):
                services.doors.remove_unknown()
            await asyncio.sleep(services.strays.pause(name))

    async def _recall_waits(self, services: Services) -> None:
        """Reads the history of waits now and then, so that what is too old is forgotten; in between it is kept up to date."""
        if time.monotonic() >= self._recall_at:
            waits = await services.store.recent_waits(services.now() - WAITS_REMEMBERED)
            services.history, self._recall_at = History(waits), time.monotonic() + _RECALL
            rows = await services.store.rows(outcomes_since(services.now() - OUTCOMES_REMEMBERED))
            services.outcomes = recalled(rows, services.outcomes)

    async def _close(
        self, services: Services, reconciler: Reconciler, beside: Collection[asyncio.Task[None]]
    ) -> None:
        tasks = [*beside, *self._watching.values(), *self._sweeping.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await reconciler.close()
        await services.hints.close()
        await services.entitlements.close()
        await services.verifier.close()
        for link in list(services.links.values()):
            await link.close()
        await services.doors.close()
        await services.directory.close()
        await services.store.close()


async def serve(settings: Settings) -> None:
    """Runs the broker until SIGTERM or SIGINT."""
    kept = notify.stored_sockets()
    api, local = kept.pop(API_SOCKET, None), kept.pop(HUB_SOCKET, None)
    # Before anything is asked or swept: of two brokers over one state the second ends here, and has done nothing.
    listener = _api_socket(settings.port, api)
    async with Broker(settings, kept).running() as app:
        servers = [_server(app), _server(_OverUnixSocket(app))]
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, _stop, servers)
        sockets = [listener, _unix_socket(settings.socket, local)]
        notify.ready()
        await asyncio.gather(
            *(server.serve(sockets=[sock]) for server, sock in zip(servers, sockets, strict=True))
        )


class _OverUnixSocket:
    """Marks requests as coming from this account of this machine: only it can open the broker's own unix socket.

    By the listener they came to, and not by their client's address: that of a connection just reset is empty, too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, LOCAL: True}, receive, send)


class _Server(uvicorn.Server):
    """uvicorn would install handlers of its own in each server; one stop ends both of ours."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: ASGIApp) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,
            # Longer than clients keep a connection: else one that is just being closed here is used once more there.
            timeout_keep_alive=60,
            timeout_graceful_shutdown=2,
            # Streams of a kernel's sockets: encrypted bytes, which nothing makes smaller.
            ws="auto",
            ws_max_size=1 << 20,
            ws_per_message_deflate=False,
        )
    )


def _stop(servers: list[_Server]) -> None:
    for server in servers:
        server.should_exit = True


def _api_socket(port: int, kept: socket.socket | None) -> socket.socket:
    """The loopback listener; the one kept from before a restart where there is one, so that nobody is refused."""
    if kept is not None and kept.getsockname()[1] == port:
        return kept
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(2048)
    notify.store_socket(API_SOCKET, sock)
    return sock


def _unix_socket(path: Path, kept: socket.socket | None) -> socket.socket:
    """The hub's way in: mode 0600 from the first moment, in a directory of mode 0700; kept over a restart like the other."""
    if kept is not None and path.is_socket() and kept.getsockname() == str(path):
        return kept
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        sock.bind(str(path))
    finally:
        os.umask(before)
    sock.listen(2048)
    notify.store_socket(HUB_SOCKET, sock)
    return sock


def main(argv: list[str] | None = None) -> int:
    """Exit status 0 after a stop, 1 where it could not start."""
    settings = parse(sys.argv[1:] if argv is None else argv)
    logs.begin(settings.log_format)
    try:
        asyncio.run(serve(settings))
    except (SampanError, OSError) as error:
        log.error("the broker cannot start: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
