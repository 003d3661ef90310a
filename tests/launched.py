"""A real launcher in a process of its own, as a job script starts it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sampan_hub.keys import MasterKey
from sampan_hub.link import Link, open_link
from sampan_hub.report import Report, parse_report
from sampan_hub.transports.local import LocalTransport
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[1]
TAG = "sampan-test-abcd1234-1"
MASTER = MasterKey(bytes(range(32)))
NONCE = "00ff" * 8


@dataclass
class Launched:
    """A running launcher. `hub` and `broker` are where its reverse sockets lead by default: nowhere."""

    process: asyncio.subprocess.Process
    directory: Path
    report: Report
    hub: tuple[str, int] = ("127.0.0.1", 9)
    broker: tuple[str, int] = ("127.0.0.1", 9)

    async def link(self, **changed: object) -> Link:
        told: dict[str, object] = {
            "tag": TAG,
            "key": MASTER.client_key(TAG),
            "hub": self.hub,
            "broker": self.broker,
            **changed,
        }
        report = told.pop("report", self.report)
        return await open_link(LocalTransport({"en": "here", "zh": "本机"}), "127.0.0.1", report, **told)  # type: ignore[arg-type]

    @property
    def log(self) -> str:
        return (self.directory / "job.log").read_text(encoding="utf-8", errors="replace")

    async def ended(self, deadline: float = 20.0) -> int:
        async with asyncio.timeout(deadline):
            return await self.process.wait()


@asynccontextmanager
async def launched(**environment: str) -> AsyncIterator[Launched]:
    """Runs a launcher in a fresh home; whatever it started has ended with it on the way out."""
    home = Path(tempfile.mkdtemp(prefix="launched-"))
    directory = home / ".sampan" / "attempts" / TAG
    directory.mkdir(mode=0o700, parents=True)
    # Jobs never run as root; a test may, and a Jupyter server then wants to be told.
    (home / ".jupyter").mkdir()
    (home / ".jupyter" / "jupyter_server_config.py").write_text("c.ServerApp.allow_root = True\n")
    with (directory / "job.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sampan_kernels.launcher"),
            cwd=home,
            env=_environment(home, directory) | environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    path = directory / "report.json"
    try:
        await until(lambda: path.exists() or process.returncode is not None)
        assert path.exists(), (directory / "job.log").read_text()
        yield Launched(process, directory, parse_report(path.read_bytes(), NONCE))
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            await process.wait()
        shutil.rmtree(home)


def _environment(home: Path, directory: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(str(ROOT / place) for place in ("hub", "kernels", "extensions")),
        "HOME": str(home),
        "SAMPAN_TAG": TAG,
        "SAMPAN_NONCE": NONCE,
        "SAMPAN_CLIENT_KEY": MASTER.public_text(TAG),
        "SAMPAN_BIND": "127.0.0.1",
        "SAMPAN_ATTEMPT_DIR": str(directory),
        "SAMPAN_MINUTES": "10",
        "SAMPAN_CENTRE": "alpha",
        "SAMPAN_SHARE": "light",
        "SAMPAN_CORES": "1",
        "SAMPAN_MEMORY_MIB": "1024",
        "SAMPAN_LAUNCH": "abcd1234",
        "SAMPAN_SCHEDULER": "process",
    }
