"""The whole of Sampan as `sampan up` runs it: real proxy, hub, broker and centres, each a process of its own."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx
import yaml

from tests.ways.embedded_places import EmbeddedPlaces
from tests.ways.places import Places
from tests.ways.real_places import RealPlaces

__all__ = ["PLACES", "ROOT", "WholeHub", "came", "free_port", "token_in", "whole_hub"]

ROOT: Final = Path(__file__).resolve().parents[2]
START_SECONDS: Final = 60
WORDS: Final = {
    "proxy": "configurable-http-proxy",
    "hub": "jupyterhub",
    "broker": "sampan_hub.broker",
    "signer": "sampan_hub.signer",
    "culler": "sampan_hub.culler",
}
"""Part of `sampan up` → a word in its command line."""
PLACES: Final[dict[str, Callable[[Path], Places]]] = {"embedded": EmbeddedPlaces, "federation": RealPlaces}
"""What the centres are made of: processes of this machine, or real Slurm behind real login nodes."""


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def came(condition: Callable[[], Awaitable[Any]], deadline: float = 30.0, every: float = 0.1) -> Any:
    """Asks until the answer is a yes, and returns it."""
    answer: Any = None
    try:
        async with asyncio.timeout(deadline):
            while not (answer := await condition()):  # noqa: ASYNC110 (it asks another process)
                await asyncio.sleep(every)
    except TimeoutError:
        raise AssertionError(f"not so within {deadline} s; the last answer was {answer!r}") from None
    return answer


class WholeHub:
    """One `sampan up` on a state directory of its own. `url` is what a browser opens."""

    def __init__(self, state: Path, kind: str = "embedded") -> None:
        self.state = state
        self.kind = kind
        self.places = PLACES[kind](state)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = ROOT / "jupyterhub_config.py"
        self.environment: dict[str, str] = {}
        self._up: subprocess.Popen[bytes] | None = None

    def settle(self, settings: str) -> None:
        """Adds lines to JupyterHub's settings, as an administrator does; before the start."""
        own = self.state.parent / "own_config.py"
        own.write_text(
            f"c = get_config()\nload_subconfig({str(self.config)!r})\n{settings}\n", encoding="utf-8"
        )
        self.config = own

    def start(self) -> None:
        environment = {
            # The catalogue is looked through where a test says so, and not after a minute.
            "SAMPAN_VERIFY_EVERY": "0",
            **os.environ,
            **self.environment,
            "PYTHONPATH": os.pathsep.join(
                str(ROOT / place) for place in ("hub", "spawners", "kernels", "extensions")
            ),
        }
        argv = [
            sys.executable,
            "-m",
            "sampan.commands",
            "up",
            "--port",
            str(self.port),
            "--state",
            str(self.state),
            "--config",
            str(self.config),
        ]
        with (self.state.parent / f"{self.state.name}.log").open("ab") as log:
            self._up = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def stop(self) -> None:
        """Ends the parts as a person does; the jobs go on."""
        if self._up is not None:
            self._up.send_signal(signal.SIGTERM)
            self._up.wait(30)
            self._up = None

    @property
    def output(self) -> str:
        return (self.state.parent / f"{self.state.name}.log").read_text(encoding="utf-8")

    @property
    def password(self) -> str:
        return self.secret("password")

    def secret(self, name: str) -> str:
        return (self.state / "secrets" / name).read_text(encoding="utf-8").strip()

    def log(self, part: str) -> str:
        """Empty where the part was never started."""
        file = self.state / "log" / f"{part}.log"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def pid(self, part: str) -> int:
        """The one process that is this part: `sampan up` itself, or its only child with that command line."""
        assert self._up is not None
        if part == "up":
            return self._up.pid
        word = WORDS[part]
        children = subprocess.run(
            ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(self._up.pid)],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.splitlines()
        found = [int(line.split()[0]) for line in children if word in line]
        assert len(found) == 1, (part, children)
        return found[0]

    def kill(self, part: str) -> int:
        """As hard as it gets; returns the number it had."""
        pid = self.pid(part)
        os.kill(pid, signal.SIGKILL)
        if part == "up" and self._up is not None:
            self._up.wait()
        return pid

    async def restarted(self, part: str, before: int) -> None:
        async def other() -> bool:
            try:
                return self.pid(part) != before
            except AssertionError:
                return False

        await came(other)

    async def answers(self) -> bool:
        """Whether the hub answers through the proxy, and the broker on its own socket."""
        try:
            async with httpx.AsyncClient(timeout=5) as client:
                if (await client.get(f"{self.url}/hub/health")).status_code != 200:
                    return False
            await self.ask("GET", "/centres")
        except (httpx.HTTPError, OSError):
            return False
        return True

    async def ask(self, method: str, path: str, user: str = "somebody", **options: Any) -> Any:
        """Asks the broker as the hub does for that user."""
        transport = httpx.AsyncHTTPTransport(uds=str(self.state / "run" / "broker.sock"))
        headers = {"Authorization": f"Sampan {self.secret('hub-broker')}", "X-Sampan-User": quote(user)}
        async with httpx.AsyncClient(transport=transport, base_url="http://broker", timeout=20) as client:
            answer = await client.request(method, f"/services/sampan/api{path}", headers=headers, **options)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def launches(self, user: str, *, ended: bool = False) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.ask("GET", "/launches", user, params={"all": int(ended)})
        return found

    # --- centres

    def descriptor(self, centre: str) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load(
            (self.state / "centres" / f"{centre}.yaml").read_text(encoding="utf-8")
        )
        return found

    def describe(self, centre: str, **changes: Any) -> None:
        """Writes the descriptor anew, as an operator's editor does."""
        path = self.state / "centres" / f"{centre}.yaml"
        path.write_text(
            yaml.safe_dump({**self.descriptor(centre), **changes}, allow_unicode=True), encoding="utf-8"
        )

    async def another_python(self, centre: str, name: str, launch: str) -> None:
        """Its launchers are what those shell words do from now on, all else is as before; returns when the broker knows."""
        real = self.descriptor(centre)["environment"]["python"]
        lines = (
            "#!/bin/sh",
            f'case "$*" in *launcher*) {launch.format(real=real)};; esac',
            f'exec {real} "$@"',
        )
        python = self.places.put(centre, name, "\n".join(lines) + "\n")
        # What an environment has is told to everybody: so it is seen that the broker has read the file.
        self.describe(centre, environment={"python": python, "software": [name]})

        async def known() -> bool:
            return any(
                one["id"] == centre and name in one["software"] for one in await self.ask("GET", "/centres")
            )

        await came(known)

    def fill(self, centre: str, cores: int | None = None) -> str:
        """A real job of somebody else over that many cores (None: all); returns its number."""
        return self.places.fill(centre, cores)

    def free(self, centre: str, job: str) -> None:
        self.places.free(centre, job)

    def jobs(self, centre: str) -> list[dict[str, Any]]:
        """Every job that the centre's own scheduler knows, the fillers too."""
        return self.places.jobs(centre)

    def live_jobs(self, centre: str) -> list[dict[str, Any]]:
        """Jobs of ours that have not ended."""
        return [
            job for job in self.jobs(centre) if job["tag"].startswith("sampan-") and job["state"] != "ended"
        ]

    @property
    def centres(self) -> list[str]:
        return sorted(path.stem for path in (self.state / "centres").glob("*.yaml"))

    def clean(self) -> None:
        """Ends every job at every centre and removes what was made; only what this hub itself has started."""
        self.places.clean()
        shutil.rmtree(self.state, ignore_errors=True)


@asynccontextmanager
async def whole_hub(
    kind: str = "embedded", *, settings: str = "", environment: Mapping[str, str] | None = None
) -> AsyncIterator[WholeHub]:
    """A running hub and its centres (a key of `PLACES`); gone afterwards, jobs and all.

    `settings`: lines for JupyterHub. `environment`: what `sampan up` gets besides.
    """
    with tempfile.TemporaryDirectory(prefix="sampan-") as folder:
        hub = WholeHub(Path(folder) / "state", kind)
        hub.environment.update(environment or {})
        if settings:
            hub.settle(settings)
        hub.places.prepare()
        hub.start()
        try:
            await came(hub.answers, START_SECONDS)
            yield hub
        finally:
            # pytest shows it only where the test has failed.
            print(
                hub.output,
                *(f"== {part}\n{hub.log(part)[-4000:]}" for part in ("hub", "broker", "proxy", "signer")),
                sep="\n",
            )
            hub.stop()
            hub.clean()


def token_in(page: str) -> str:
    found = re.search(r'xsrf_token: "([^"]+)"', page)
    assert found is not None, page[:1000]
    return found[1]
