"""One attempt's life on its node: it listens with a host key made for this run, lets one client in, starts what that client
asks for, and ends when that ends.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Collection
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import asyncssh

from sampan import pages
from sampan.seal import remove_all
from sampan_kernels import orphans
from sampan_kernels.berth import Berth, unix_url
from sampan_kernels.charge import Charge
from sampan_kernels.control import Control
from sampan_kernels.kinds import SOCKETS, recipe
from sampan_kernels.orders import Orders
from sampan_kernels.report import PROTOCOL, SPEAKS, write_report
from sampan_kernels.templates import Templates

__all__ = ["Launcher"]

MOST_LOG: Final = 64 * 1024
UNCLAIMED: Final = 3
STOPPED_BY_SIGNAL: Final = 128 + signal.SIGTERM
log = logging.getLogger(__name__)


class Launcher:
    """What the link's server speaks to. `templates` may have begun to import already."""

    def __init__(self, orders: Orders, berth: Berth, templates: Templates) -> None:
        self.orders = orders
        self.berth = berth
        self._templates = templates
        self.client_key = asyncssh.import_public_key(orders.client_key)
        self.node = socket.gethostname()
        self._link: Control | None = None
        self._more_to_come = False
        self._charge = Charge(orders, berth.template, self._tell, self._finish)
        self._starting = asyncio.Lock()
        self._claimed = asyncio.Event()
        self._over: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._verbs = {
            "start": self._start,
            "restart": self._restart,
            "status": self._status,
            "connection": self._connection,
            "log": self._log,
            "signal": self._signal,
            "identity": self._identity,
            "stop": self._stop,
        }
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> int:
        """Listens, reports, and serves until the end; returns the exit status for the scheduler."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._finish, STOPPED_BY_SIGNAL)
        host_key = asyncssh.generate_private_key("ssh-ed25519")
        async with await self._listen(host_key) as acceptor:
            write_report(
                self.orders.directory,
                nonce=self.orders.nonce,
                port=acceptor.get_port(),
                node=self.node,
                pid=os.getpid(),
                host_key=host_key.export_public_key("openssh").decode().strip(),
            )
            self._spawn(self._wait_to_be_claimed())
            self._spawn(orphans.bury(self._ours))
            if self.orders.kind is not None:
                self._spawn(self._templates.keep(self.orders.kind))
            await self._over
            await self._end()
        return self._over.result()

    async def _listen(self, host_key: asyncssh.SSHKey) -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            self.orders.bind,
            0,
            server_factory=lambda: Control(self),
            server_host_keys=[host_key],
            encoding=None,
            allow_pty=False,
            agent_forwarding=False,
            x11_forwarding=False,
            allow_scp=False,
            compression_algs=None,
            gss_host=None,
            config=None,
            login_timeout=15,
            keepalive_interval=15,
            keepalive_count_max=4,
            server_version="Sampan",
        )

    # What the link's server asks of us

    def greeting(self) -> dict[str, Any]:
        return {
            "protocol": PROTOCOL,
            "speaks": list(SPEAKS),
            "tag": self.orders.tag,
            "node": self.node,
            "pid": os.getpid(),
            "version": _version(),
            "sockets": str(self.berth.directory),
            "deadline": self.orders.deadline,
            "child": self._charge.child.to_json() if self._charge.child else None,
        }

    def sockets(self) -> Collection[str]:
        """Where the link may be led to: the sockets of what was started. Before, nobody listens anywhere."""
        kinds = (self._charge.child.recipe.kind,) if self._charge.child else SOCKETS
        found = {self.berth.directory / place for kind in kinds for place in SOCKETS[kind].values()}
        if "kernel" in kinds:
            # Of Dask's schedulers in it, which come and go.
            found |= set(self.berth.runtime.glob(f"{pages.SOCKETS}????????"))
        return set(map(str, found))

    def arrived(self, control: Control) -> None:
        """The client is here. It has one link: an earlier one is a lost one that we have not noticed yet."""
        self._claimed.set()
        before, self._link = self._link, control
        if before is not None:
            before.replace()

    def left(self, control: Control) -> None:
        if self._link is control:
            self._link = None

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        verb = self._verbs.get(request.get("do", ""))
        if verb is None:
            raise ValueError(f"do: one of {', '.join(self._verbs)}")
        return await verb(request)

    # The verbs

    async def _start(self, request: dict[str, Any]) -> dict[str, Any]:
        """Idempotent: asked again, also over another link, it answers with the child there is."""
        kind, prefix, env = request["kind"], request["prefix"], request["env"]
        if not (isinstance(kind, str) and isinstance(prefix, str) and _texts(env)):
            raise ValueError("kind and prefix: text; env: text for each name")
        async with self._starting:
            if self._charge.child is None:
                how = recipe(
                    *(kind, prefix, env),
                    berth=self.berth,
                    home=self.orders.home,
                    inherited={**self.orders.environment, **self._whereabouts()},
                )
                await self._charge.begin(how)
        return await self._status(request)

    async def _restart(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ends the child where it still runs, and starts it again, with the same keys, in the same job."""
        async with self._starting:
            await self._charge.again()
        return await self._status(request)

    async def _status(self, _: dict[str, Any]) -> dict[str, Any]:
        child = self._charge.child
        return {"child": child.to_json() if child else None, "ready": self._charge.ready}

    async def _connection(self, _: dict[str, Any]) -> dict[str, Any]:
        child = self._charge.child
        connection = child.recipe.connection if child else None
        return {"connection": connection.to_json() if connection else None}

    async def _log(self, request: dict[str, Any]) -> dict[str, Any]:
        size = request.get("bytes", 4096)
        if type(size) is not int or not 0 < size <= MOST_LOG:
            raise ValueError(f"bytes: 1 to {MOST_LOG}")
        return {"text": self.orders.log_tail(size)}

    async def _signal(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._charge.child is None:
            raise ValueError("nothing runs yet")
        self._charge.child.signal(request["signal"])
        return {}

    async def _identity(self, _: dict[str, Any]) -> dict[str, Any]:
        child = self._charge.child
        token = child.recipe.environment.get("JUPYTERHUB_API_TOKEN") if child else None
        return {"api_token": token}

    async def _stop(self, _: dict[str, Any]) -> dict[str, Any]:
        self._finish(0)
        return {}

    # What happens by itself

    async def _wait_to_be_claimed(self) -> None:
        try:
            await asyncio.wait_for(self._claimed.wait(), self.orders.unclaimed)
        except TimeoutError:
            log.error("nobody came for this job within %s s", self.orders.unclaimed)
            self._finish(UNCLAIMED)

    async def _end(self) -> None:
        await self._charge.end()
        self._templates.end()
        await orphans.end()
        await asyncio.to_thread(remove_all, self.orders.directory)
        # The last answer and the exit event are still on their way out.
        if self._link is not None:
            await self._link.close()
        await self._charge.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _finish(self, code: int) -> None:
        if not self._over.done():
            self._over.set_result(code)

    def _ours(self) -> Collection[int]:
        child = self._charge.child
        return {*self._templates.pids, *((child.process.pid,) if child else ())}

    def _tell(self, event: dict[str, Any]) -> None:
        if event["event"] == "ready" and self.orders.kind == "server" and not self._more_to_come:
            # Not before: the server's own start has the processors until now.
            self._more_to_come = True
            self._templates.begin("kernel")
            self._spawn(self._templates.keep("kernel"))
        if self._link is not None:
            self._link.tell(event)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _whereabouts(self) -> dict[str, str]:
        return {
            "SAMPAN_NODE": self.node,
            "SAMPAN_DEADLINE": str(int(self.orders.deadline)),
            "SAMPAN_BROKER_URL": unix_url(self.berth.broker, "/services/sampan"),
            "SAMPAN_TEMPLATE": str(self.berth.template("kernel")),
        }


def _texts(env: object) -> bool:
    return isinstance(env, dict) and all(isinstance(x, str) for pair in env.items() for x in pair)


def _version() -> str:
    try:
        return version("sampan")
    except PackageNotFoundError:
        return "unknown"
