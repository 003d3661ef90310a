"""`sampan up`: signer, proxy, broker, hub and culler on this machine, each in its own process, each kept running by itself."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import signal
from functools import partial
from pathlib import Path
from typing import Final

from sampan.errors import Conflict, Invalid, Unavailable
from sampan.messages import LANGUAGES, Message
from sampan_hub import demo_centres
from sampan_hub.answering import answers
from sampan_hub.fd_store import FdStore
from sampan_hub.loopback_ports import LoopbackPorts, listen
from sampan_hub.parts import Parts
from sampan_hub.process_lock import hold, holder
from sampan_hub.state_directory import StateDirectory
from sampan_hub.supervisor import Child, Program, end_when_it_hangs, vacate

__all__ = ["command"]

PARTS: Final = ("signer", "proxy", "broker", "hub", "culler")
# A person can log in without the broker: longer than this they are not kept waiting for it.
BROKER_DELAY: Final = 10.0
# So many deaths in a row, each soon after the start, and a person is told where to look.
WORRYING: Final = 3


class Up:
    help = "run a federation on this machine / 在本机运行一个算力联邦"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="of 127.0.0.1 (8000) / 端口")
        state = Path(os.environ.get("SAMPAN_STATE", "state"))
        parser.add_argument(
            "--state", type=Path, default=state, help="where everything is kept (./state) / 状态目录"
        )
        config = Path("jupyterhub_config.py")
        parser.add_argument(
            "--config", type=Path, default=config, help="JupyterHub's settings / JupyterHub 配置文件"
        )

    def run(self, args: argparse.Namespace) -> int:
        config = args.config.resolve()
        if not config.is_file():
            raise Invalid("up.config", file=str(config))
        state = StateDirectory(args.state)
        state.make()
        lock = hold(state.lock("up"))
        if lock is None:
            raise Conflict("up.lock", state=str(state.path), pid=holder(state.lock("up")) or "?")
        try:
            return asyncio.run(_Federation(state, args.port, config).run())
        except OSError as error:
            why = error.strerror or str(error)
            raise Unavailable("up.state", cause=repr(error), state=str(state.path), why=why) from error
        finally:
            os.close(lock)


command = Up()


class _Federation:
    """The children and what binds them, from the first to the last signal."""

    def __init__(self, state: StateDirectory, port: int, config: Path) -> None:
        self._state = state
        self._port = port
        self._config = config
        self._enough = asyncio.Event()

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._enough.set)
        _allow_many_sockets()
        # A `sampan up` that was killed takes its children along; should one hang, it would hold a port that we want.
        await asyncio.gather(*(vacate(self._state.lock(part)) for part in PARTS))
        ports = LoopbackPorts.choose(self._port, self._state.path / "ports.json")
        demo_centres.write(self._state)
        parts = Parts(self._state, ports, self._config)
        store = FdStore(self._state.path / "run" / "notify.sock")
        try:
            with listen(ports.broker) as api:
                store.keep("api", api)
            await self._sail(parts, store)
        finally:
            store.close()
            ports.close()
        _tell("up.ended")
        return 0

    async def _sail(self, parts: Parts, store: FdStore) -> None:
        """Starts all, waits for the signal, ends all: hub first, so that it sees nobody else go; proxy last."""
        signer = Child(parts.signer(), died=self._died)
        proxy = Child(parts.proxy(), died=self._died)
        broker = Child(parts.broker(), store, died=self._died)
        hub = Child(parts.hub(), died=self._died)
        culler = Child(parts.culler(), died=self._died)
        _tell("up.starting", state=str(self._state.path))
        running: dict[Child, asyncio.Task[None]] = {}
        for child in (signer, proxy, broker):
            self._begin(child, running)
        beside = asyncio.create_task(self._bring_up(parts, store, (proxy, hub, culler), running))
        beside.add_done_callback(lambda _: self._enough.set())
        # Everybody comes through it, and nobody else notices when it is alive and lets nobody through.
        watching = asyncio.create_task(end_when_it_hangs(proxy, partial(self._proxy_answers, parts)))
        await self._enough.wait()
        beside.cancel()
        watching.cancel()
        outcomes = list(await asyncio.gather(beside, watching, return_exceptions=True))
        for child in (culler, hub, broker, proxy, signer):
            if child in running:
                child.stop()
                outcomes += await asyncio.gather(running[child], return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    def _begin(self, child: Child, running: dict[Child, asyncio.Task[None]]) -> None:
        """Should it ever stop being kept before the signal, that is our own fault: better to end, and say so."""
        running[child] = asyncio.create_task(child.keep())
        running[child].add_done_callback(lambda _: self._enough.set())

    async def _bring_up(
        self,
        parts: Parts,
        store: FdStore,
        children: tuple[Child, Child, Child],
        running: dict[Child, asyncio.Task[None]],
    ) -> None:
        """The hub once it can begin, the culler once there is a hub, the word of it; then the hub's routes to each new proxy."""
        proxy, hub, culler = children
        # The hub gives up at its start when no proxy answers.
        await self._proxy_answers(parts)
        known = proxy.starts
        self._begin(hub, running)
        for url in (f"{parts.hub_api.removesuffix('/api')}/health", f"{parts.public_url}/hub/health"):
            await answers(url)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(store.ready.wait(), BROKER_DELAY)
        self._begin(culler, running)
        _tell("up.ready", url=parts.public_url)
        _tell("up.password", password=self._state.secret("password"))
        _tell("up.logs", logs=str(self._state.path / "log"))
        while True:
            known = await proxy.restarted(known)
            await self._proxy_answers(parts)
            await answers(f"{parts.hub_api}/proxy", self._state.secret("routes-token"), "POST")

    async def _proxy_answers(self, parts: Parts) -> None:
        await answers(f"{parts.proxy_api}/api/routes", self._state.secret("proxy-token"))

    def _died(self, program: Program, code: int, soon: int) -> None:
        _tell("up.died", part=program.name, code=code)
        if soon >= WORRYING:
            _tell("up.worrying", part=program.name, log=str(program.log))


def _allow_many_sockets() -> None:
    """As many as the system lets us: a door is one here, and one more in the broker for each connection through it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _tell(code: str, /, **params: str | int) -> None:
    """In each language: whoever started us has not told which one they read."""
    # Whoever read us may be gone (`sampan up | tee`, a closed terminal): no reason for the children to go too.
    with contextlib.suppress(OSError):
        for language in LANGUAGES:
            print(Message(code, params).say(language), flush=True)
