"""A real broker in a process of its own, on a state directory made as `sampan up` makes it, with real centres."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from sampan_hub import demo_centres
from sampan_hub.state_directory import StateDirectory
from tests.ways.whole_hub import ROOT, WholeHub, came

__all__ = ["API", "AwkwardPython", "RealBroker", "real_broker"]

API = "/services/sampan/api"


class RealBroker(WholeHub):
    """The broker alone: `ask` is the hub's way in (its unix socket), `tcp` that of everybody else."""

    def __init__(self, state: Path, hub_api: str = "http://127.0.0.1:9/hub/api") -> None:
        super().__init__(state)
        self.hub_api = hub_api
        self.flags: list[str] = []
        StateDirectory(state).make()
        demo_centres.write(StateDirectory(state))

    def start(self) -> None:
        argv = [sys.executable, "-m", "sampan_hub.broker", "--state", str(self.state), "--hub-id", "test1"]
        argv += ["--port", str(self.port), "--hub-api", self.hub_api, *self.flags]
        environment = {
            # The catalogue is looked through where a test says so, and not after a minute.
            "SAMPAN_VERIFY_EVERY": "0",
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(ROOT / p) for p in ("hub", "kernels", "extensions")),
        }
        with (self.state / "log" / "broker.log").open("ab") as log:
            self._up = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=log, stderr=log)

    @property
    def output(self) -> str:
        return self.log("broker")

    def pid(self, part: str = "broker") -> int:
        assert self._up is not None
        return self._up.pid

    def kill(self, part: str = "broker") -> int:
        assert self._up is not None
        self._up.kill()
        self._up.wait()
        return self._up.pid

    async def begin(self) -> None:
        self.start()
        await came(self.answers, 60)

    async def again(self) -> None:
        """kill -9, and a new one."""
        self.kill()
        await self.begin()

    async def answers(self) -> bool:
        assert self._up is not None
        assert self._up.poll() is None, self.output
        try:
            await self.ask("GET", "/")
        except (httpx.HTTPError, OSError):
            return False
        return True

    async def send(self, method: str, path: str, user: str = "alice", **options: Any) -> httpx.Response:
        """As the hub for that user; the answer as it is."""
        headers = {"Authorization": f"Sampan {self.secret('hub-broker')}", "X-Sampan-User": user}
        if "content" in options:
            headers["Content-Type"] = "application/json"
        headers |= options.pop("headers", {})
        transport = httpx.AsyncHTTPTransport(uds=str(self.state / "run" / "broker.sock"))
        async with httpx.AsyncClient(transport=transport, base_url="http://broker", timeout=20) as client:
            return await client.request(method, f"{API}{path}", headers=headers, **options)

    async def tcp(self, method: str, path: str, authorization: str = "", **options: Any) -> httpx.Response:
        headers = {"Authorization": authorization} if authorization else {}
        headers |= options.pop("headers", {})
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=20) as client:
            return await client.request(method, f"{API}{path}", headers=headers, **options)

    async def create(self, user: str = "alice", name: str = "", **options: Any) -> dict[str, Any]:
        body = {"kind": "server", "name": name, "options": options or {"cores": 1, "memory": 0.5}}
        found: dict[str, Any] = await self.ask(
            "POST", "/launches", user, json={**body, "prefix": f"/user/{user}/"}
        )
        return found

    async def show(self, launch: str, user: str = "alice") -> dict[str, Any]:
        found: dict[str, Any] = await self.ask("GET", f"/launches/{launch}", user)
        return found

    async def at(
        self, launch: str, *stages: str, user: str = "alice", deadline: float = 60.0
    ) -> dict[str, Any]:
        async def there() -> dict[str, Any] | None:
            found = await self.show(launch, user)
            return found if found["stage"] in stages else None

        found: dict[str, Any] = await came(there, deadline)
        return found

    async def follow(self, launch: str, user: str = "alice", after: str = "") -> list[dict[str, Any]]:
        """Every event from there on, each with its `id`; returns when the stream ends by itself."""
        transport = httpx.AsyncHTTPTransport(uds=str(self.state / "run" / "broker.sock"))
        headers = {"Authorization": f"Sampan {self.secret('hub-broker')}", "X-Sampan-User": user}
        headers |= {"Last-Event-ID": after} if after else {}
        found: list[dict[str, Any]] = []
        number = ""
        async with (
            asyncio.timeout(30),
            httpx.AsyncClient(transport=transport, base_url="http://broker") as client,
            client.stream("GET", f"{API}/launches/{launch}/events", headers=headers) as stream,
        ):
            assert stream.headers["content-type"].startswith("text/event-stream")
            async for line in stream.aiter_lines():
                if line.startswith("id: "):
                    number = line[4:]
                elif line.startswith("data: "):
                    found.append({"id": number, **json.loads(line[6:])})
        return found

    def only(self, *centres: str) -> None:
        """Takes every other centre's descriptor away before the start, so that a test runs fewer processes."""
        for name in self.centres:
            if name not in centres:
                place = Path(self.descriptor(name)["scratch"]).parent
                shutil.rmtree(place, ignore_errors=True)
                (self.state / "centres" / f"{name}.yaml").unlink()

    def awkward(self, centre: str) -> AwkwardPython:
        """From now on every command at that centre goes through a Python that can be told to be awkward."""
        python = AwkwardPython(Path(self.descriptor(centre)["scratch"]).parent / "awkward")
        self.describe(centre, environment={"python": str(python.path)})
        return python


class AwkwardPython:
    """A Python in front of the real one. `hang(verb)`, `fail(verb)`, `drop(verb)`: until `mend(verb)`; `*` is any."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o755, exist_ok=True)
        self.folder = folder
        self.path = folder / "python"
        self.path.write_text(
            f"""#!/bin/bash
verb=other
for word in "$@"; do
    case $word in submit|status|find|cancel|capacity|usage|*.launcher) verb=$word; break;; esac
done
echo "$verb" >> {folder}/asked
for name in "$verb" '*'; do
    [ -e "{folder}/hang-$name" ] && exec sleep 3600
    [ -e "{folder}/fail-$name" ] && {{ echo "cannot contact the controller" >&2; exit 1; }}
    [ -e "{folder}/drop-$name" ] && {{ {sys.executable} "$@" > /dev/null; exec sleep 3600; }}
done
exec {sys.executable} "$@"
"""
        )
        self.path.chmod(0o755)
        (folder / "asked").touch()
        (folder / "asked").chmod(0o666)

    def hang(self, verb: str) -> None:
        (self.folder / f"hang-{verb}").touch()

    def fail(self, verb: str) -> None:
        (self.folder / f"fail-{verb}").touch()

    def drop(self, verb: str) -> None:
        """Runs the command and never answers."""
        (self.folder / f"drop-{verb}").touch()

    def mend(self, verb: str) -> None:
        for how in ("hang", "fail", "drop"):
            (self.folder / f"{how}-{verb}").unlink(missing_ok=True)

    def asked(self, verb: str) -> int:
        return (self.folder / "asked").read_text().split().count(verb)


@asynccontextmanager
async def real_broker(
    prepare: Callable[[RealBroker], None] | None = None,
    hub_api: str = "http://127.0.0.1:9/hub/api",
    *,
    start: bool = True,
) -> AsyncIterator[RealBroker]:
    """A running broker; gone afterwards, jobs and all."""
    with tempfile.TemporaryDirectory(prefix="sampan-") as folder:
        broker = await asyncio.to_thread(RealBroker, Path(folder) / "state", hub_api)
        if prepare is not None:
            prepare(broker)
        try:
            if start:
                await broker.begin()
            yield broker
        finally:
            if broker._up is not None and broker._up.poll() is None:
                broker._up.send_signal(signal.SIGTERM)
                broker._up.wait(20)
            # pytest shows it only where the test has failed.
            print(broker.output[-8000:])
            for centre in broker.centres:
                # What is awkward is so for the broker only, not for what cleans up behind it.
                broker.describe(centre, environment={"python": sys.executable})
            broker.clean()
