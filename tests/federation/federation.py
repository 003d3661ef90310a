"""The four centres together: up, down, and the descriptors that a broker reads."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from sampan_hub.state_directory import StateDirectory
from tests.federation import network, user_environment
from tests.federation.centre import Centre
from tests.federation.host import REPOSITORY, Failed
from tests.federation.needs import missing
from tests.federation.network import Plan
from tests.federation.record import Record
from tests.federation.shape import CENTRES
from tests.federation.ssh_daemon import FOLDER

__all__ = ["Federation", "sampan"]

ROOT: Final = Path("/var/lib/sampan-federation")
MACHINE: Final = Path("/run/sampan-federation.lock")
"""Of all federations here, wherever their roots are."""


def _quiet(_: str) -> None:
    pass


class Federation:
    """`root`: where its record and its files are; $SAMPAN_FEDERATION, or /var/lib/sampan-federation."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = (root or Path(os.environ.get("SAMPAN_FEDERATION", ROOT))).resolve()
        self.record = Record(self.root)

    def up(self, say: Callable[[str], None] = _quiet, *, keep: bool = False) -> float:
        """Makes whatever is missing of it; returns the seconds that took, without the user environment.

        With `keep` it stays until `down`, whatever tests use it meanwhile.
        """
        lack = missing()
        if lack:
            raise Failed(lack)
        user_environment.ensure(say)
        began = time.monotonic()
        with self._alone():
            self.take_range()
            if keep:
                self.record.keep()
            with ThreadPoolExecutor(len(CENTRES)) as pool:
                list(pool.map(lambda centre: self._raise(centre, say), self.centres.values()))
        return time.monotonic() - began

    def take_range(self) -> None:
        """Addresses of its own. One federation at a time: what another has chosen is seen once it is open."""
        with MACHINE.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.record.range is None:
                self.record.write_range(network.choose().number)
            network.open_range(self._plan())

    def _raise(self, centre: Centre, say: Callable[[str], None]) -> None:
        began = time.monotonic()
        centre.up()
        say(f"{centre.name}: up after {time.monotonic() - began:.1f} s")

    def down(self) -> None:
        """Ends exactly what its record tells of, and removes its files."""
        if self.root.exists():
            with self._alone():
                self._down()

    def _down(self) -> None:
        for process in self.record.anchors().values():
            process.end()
        if self.record.range is not None:
            network.close_range(self._plan())
        # Nothing of the hosts' trees is mounted here: that was in their namespaces, which are gone.
        shutil.rmtree(self.root)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Up within; down afterwards, by the last one that used it, unless it is kept."""
        with self._alone():
            using = (self.root / "in-use").open("w")
            fcntl.flock(using, fcntl.LOCK_SH)
        try:
            self.up()
            yield
        finally:
            using.close()
            if not self.record.kept:
                self._down_if_unused()

    def _down_if_unused(self) -> None:
        with self._alone(), (self.root / "in-use").open("w") as others, suppress(BlockingIOError):
            fcntl.flock(others, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._down()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One at a time, over all processes."""
        with self._locked():
            yield

    def _locked(self) -> IO[str]:
        while True:
            self.root.mkdir(mode=0o711, parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                file = (self.root / "lock").open("w")
                fcntl.flock(file, fcntl.LOCK_EX)
                # While we waited it may have been removed, with all that it stood for.
                if (self.root / "lock").stat().st_ino == os.fstat(file.fileno()).st_ino:
                    return file
                file.close()

    def _plan(self) -> Plan:
        number = self.record.range
        if number is None:
            raise Failed("the federation is not up; `python -m tests.federation up` brings it up")
        return Plan(number)

    @property
    def centres(self) -> dict[str, Centre]:
        plan = self._plan()
        return {shape.name: Centre(shape, self.root, plan, self.record) for shape in CENTRES}

    def centre(self, name: str) -> Centre:
        """Raises Failed where there is none of that name, or nothing is up."""
        found = self.centres.get(name)
        if found is None:
            raise Failed(f"no centre {name!r}; there are {', '.join(shape.name for shape in CENTRES)}")
        return found

    def end_all_jobs(self) -> None:
        for centre in self.centres.values():
            centre.end_all_jobs()

    def write_descriptors(self, folder: Path) -> None:
        """One file a centre, in JSON, which is YAML as well."""
        folder.mkdir(parents=True, exist_ok=True)
        for centre in self.centres.values():
            text = json.dumps(centre.descriptor(), indent=2, ensure_ascii=False)
            (folder / f"{centre.name}.yaml").write_text(text + "\n", encoding="utf-8")

    def join(self, state: Path) -> None:
        """The hub of this state knows the centres, and each believes the authority that the hub has for it."""
        StateDirectory(state).make()
        self.write_descriptors(state / "centres")
        for centre in self.centres.values():
            self.introduce(state, centre, centre.name)

    def introduce(self, state: Path, centre: Centre, name: str) -> None:
        """The centre believes the authority that the hub of this state has for it under that name."""
        argv, environment = sampan("ca", "show", name, "--json", "--state", str(state))
        shown = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
        if shown.returncode != 0:
            raise Failed(f"sampan ca show {name}: {shown.stderr.strip() or shown.stdout.strip()}")
        for line in json.loads(shown.stdout)["files"][f"{FOLDER}/ca.pub"].splitlines():
            centre.trust(line)


def sampan(*words: str) -> tuple[list[str], dict[str, str]]:
    """Argument list and environment of a command of this checkout."""
    places = (str(REPOSITORY / place) for place in ("", "hub", "spawners", "kernels", "extensions"))
    return [sys.executable, "-m", "sampan.commands", *words], {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(places),
    }
