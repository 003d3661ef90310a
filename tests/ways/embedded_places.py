"""The embedded default: three centres that are processes of this machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

__all__ = ["EmbeddedPlaces", "on_this_machine"]


def on_this_machine() -> list[str]:
    """Python as an account that is neither the hub's nor any job's; without root, as this one, with nothing in hand."""
    return (
        ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", sys.executable]
        if os.getuid() == 0
        else [sys.executable]
    )


class EmbeddedPlaces:
    """See `Places`. `sampan up` describes and makes them itself at its first start."""

    def __init__(self, state: Path) -> None:
        self.state = state

    def prepare(self) -> None:
        """See `Places.prepare`: nothing to do."""

    def known_as(self, centre: str, name: str) -> None:
        """See `Places.known_as`: whoever runs the hub is in already."""

    def fill(self, centre: str, cores: int | None = None) -> str:
        facts = self._descriptor(centre)
        cores = cores or facts["scheduler"]["cores"]
        log = f"{facts['scratch']}/filler.log"
        words = ["--tag", f"filler-{cores}", "--queue", facts["shares"][0]["queue"], "--cores", str(cores)]
        words += ["--memory-mib", "256", "--minutes", "30", "--log", log]
        return str(self._scheduler(centre, "submit", *words, stdin="exec sleep 1800\n"))

    def free(self, centre: str, job: str) -> None:
        tag = next(found["tag"] for found in self.jobs(centre) if found["id"] == job)
        self._scheduler(centre, "cancel", "--tag", tag, job)

    def jobs(self, centre: str) -> list[dict[str, Any]]:
        cores = self._descriptor(centre)["scheduler"]["cores"]
        fillers = [f"filler-{number}" for number in range(1, cores + 1)]
        ours = self._scheduler(centre, "find")["jobs"]
        found = [*ours, *self._scheduler(centre, "find", *fillers)["jobs"]]
        jobs: list[dict[str, Any]] = self._scheduler(centre, "status", *(job["id"] for job in found))["jobs"]
        return [{**job, "nodes": [job["node"]] if job.get("node") else []} for job in jobs]

    def overcommitted(self, centre: str) -> dict[str, int]:
        facts = self._descriptor(centre)["scheduler"]
        over = sum(job["cores"] for job in self.jobs(centre) if job["state"] == "running") - facts["cores"]
        return {centre: over} if over > 0 else {}

    def put(self, centre: str, name: str, text: str) -> str:
        # Beside the state, which the jobs' account must not enter.
        self.state.parent.chmod(0o755)
        place = self.state.parent / f"{centre}-{name}"
        place.write_text(text, encoding="utf-8")
        place.chmod(0o755)
        return str(place)

    def take_away(self, centre: str, name: str) -> None:
        (self.state.parent / f"{centre}-{name}").unlink()

    def seen(self, centre: str, path: str) -> Path:
        return Path(path)

    def temporary(self) -> list[Path]:
        return [Path("/tmp")]

    def cut(self, launch: Mapping[str, Any]) -> None:
        """Between processes of one machine there is no cable: the launcher is stopped like a machine behind one."""
        os.kill(_launcher(launch["id"]), signal.SIGSTOP)

    def heal(self, launch: Mapping[str, Any]) -> None:
        os.kill(_launcher(launch["id"]), signal.SIGCONT)

    def folders(self, centre: str) -> list[Path]:
        return [Path(self._descriptor(centre)["scratch"]).parent]

    def records(self, centre: str) -> list[Path]:
        return [Path(self._descriptor(centre)["scheduler"]["spool"])]

    def told(self, centre: str) -> str:
        return json.dumps(self.jobs(centre))

    def stranger(self, pid: int) -> list[str]:
        return on_this_machine()

    def keeper(self, centre: str) -> str:
        spool: str = self._descriptor(centre)["scheduler"]["spool"]
        return spool

    def clean(self) -> None:
        centres = [path.stem for path in (self.state / "centres").glob("*.yaml")]
        for centre in centres:
            for job in self.jobs(centre):
                if job["state"] != "ended":
                    self._scheduler(centre, "cancel", "--tag", job["tag"], job["id"])
        for centre in centres:
            shutil.rmtree(Path(self._descriptor(centre)["scratch"]).parent.parent, ignore_errors=True)

    def _descriptor(self, centre: str) -> dict[str, Any]:
        file = self.state / "centres" / f"{centre}.yaml"
        found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        return found

    def _scheduler(self, centre: str, *words: str, stdin: str = "") -> Any:
        """Asks the centre's own scheduler as its operator does."""
        facts = self._descriptor(centre)
        argv = [facts["environment"]["python"], "-m", "sampan_kernels.processes"]
        argv += ["--spool", facts["scheduler"]["spool"], *words]
        account = facts["accounts"].get("account")
        if os.getuid() == 0 and account:
            argv = ["setpriv", f"--reuid={account}", f"--regid={account}", "--clear-groups", *argv]
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, cwd="/", check=True)
        return json.loads(done.stdout) if done.stdout.strip() else None


def _launcher(launch: str) -> int:
    """The process of this launch's launcher, by its environment."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                environment = (folder / "environ").read_bytes().split(b"\0")
                command = (folder / "cmdline").read_bytes().split(b"\0")
                if (
                    f"SAMPAN_LAUNCH={launch}".encode() in environment
                    and b"sampan_kernels.launcher" in command
                ):
                    return int(folder.name)
    raise AssertionError(f"no launcher of {launch}")
