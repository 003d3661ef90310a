"""The test federation under a hub: real Slurm behind real login nodes, and a plain host without a scheduler."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.federation import user_environment
from tests.federation.accounts import STRANGER
from tests.federation.batch import SPOOL
from tests.federation.centre import Centre
from tests.federation.federation import Federation
from tests.federation.shape import CORES
from tests.ways.embedded_places import on_this_machine

__all__ = ["RealPlaces"]


class RealPlaces:
    """See `Places`. The federation is up already (the fixture `federation`), and outlives the hub."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self._federation = Federation()

    def _centre(self, name: str) -> Centre:
        return self._federation.centre(name)

    def prepare(self) -> None:
        self._federation.join(self.state)

    def known_as(self, centre: str, name: str) -> None:
        self._federation.introduce(self.state, self._centre(centre), name)

    def fill(self, centre: str, cores: int | None = None) -> str:
        return self._centre(centre).fill(cores)

    def free(self, centre: str, job: str) -> None:
        self._centre(centre).free(job)

    def jobs(self, centre: str) -> list[dict[str, Any]]:
        return [{**job, "tag": job["tag"] or ""} for job in self._centre(centre).jobs()]

    def overcommitted(self, centre: str) -> dict[str, int]:
        used: Counter[str] = Counter()
        for job in self.jobs(centre):
            if job["state"] == "running" and len(job["nodes"]) == 1:
                used[job["nodes"][0]] += job["cores"]
        return {node: cores - CORES for node, cores in used.items() if cores > CORES}

    def put(self, centre: str, name: str, text: str) -> str:
        place = self.seen(centre, f"/scratch/bin/{name}")
        place.parent.mkdir(exist_ok=True)
        place.write_text(text, encoding="utf-8")
        place.chmod(0o755)
        return f"/scratch/bin/{name}"

    def take_away(self, centre: str, name: str) -> None:
        self.seen(centre, f"/scratch/bin/{name}").unlink()

    def seen(self, centre: str, path: str) -> Path:
        return self._centre(centre).root / path.lstrip("/")

    def temporary(self) -> list[Path]:
        return [host.own / "tmp" for one in self._federation.centres.values() for host in one.hosts.values()]

    def cut(self, launch: Mapping[str, Any]) -> None:
        self._centre(launch["centre"]).cut()

    def heal(self, launch: Mapping[str, Any]) -> None:
        self._centre(launch["centre"]).heal()

    def folders(self, centre: str) -> list[Path]:
        root = self._centre(centre).root
        return [root / "home", root / "scratch", *self.records(centre)]

    def records(self, centre: str) -> list[Path]:
        """All that its hosts have under /var: Slurm's state and scripts, logs, the process scheduler's spool."""
        return [host.own / "var" for host in self._centre(centre).hosts.values()]

    def told(self, centre: str) -> str:
        one = self._centre(centre)
        if not one.shape.has_slurm:
            return "".join(map(str, one.jobs()))
        asked = (["scontrol", "show", "job", "--details"], ["squeue", "-a", "-o", "%all"])
        booked = ["sacct", "--allusers", "--parsable2", "--format=ALL", "--starttime=now-1hour"]
        return "".join(one.run(argv).stdout for argv in (*asked, booked))

    def stranger(self, pid: int) -> list[str]:
        network = Path(f"/proc/{pid}/ns/net").readlink()
        for centre in self._federation.centres.values():
            for host in centre.hosts.values():
                if Path(f"/proc/{host.anchor.pid}/ns/net").readlink() == network:
                    return host.argv([str(user_environment.python())], account=STRANGER)
        return on_this_machine()

    def keeper(self, centre: str) -> str:
        return "slurmstepd" if self._centre(centre).shape.has_slurm else SPOOL

    def clean(self) -> None:
        """The federation stays; what ran under this hub, or was cut, does not."""
        for centre in self._federation.centres.values():
            centre.heal()
        self._federation.end_all_jobs()
        for centre in self._federation.centres.values():
            # The next hub's people find the homes that a new account has.
            for home in (centre.root / "home").iterdir():
                _empty(home)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
