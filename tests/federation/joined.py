"""A hub's state directory that the test federation knows, and a signer for it: what it takes to ask its centres by SSH."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sampan_hub.authority import Authority
from sampan_hub.centre import Centre, make_centre
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import read_descriptor
from sampan_hub.sshd_lines import sshd_files
from tests.federation.federation import Federation, sampan
from tests.federation.ssh_daemon import FOLDER
from tests.waiting import wait_until

__all__ = ["NAMES", "Joined", "join"]

NAMES = ("east", "west", "core", "cloud")


@dataclass(frozen=True)
class Joined:
    """A hub's state directory whose authorities the centres trust, with a signer that runs."""

    state: Path
    federation: Federation

    @property
    def signer(self) -> Path:
        return self.state / "run" / "signer.sock"

    def descriptor(self, name: str) -> Descriptor:
        found = read_descriptor(self.state / "centres" / f"{name}.yaml")
        assert isinstance(found, Descriptor), found
        return found

    @asynccontextmanager
    async def centre(self, name: str) -> AsyncIterator[Centre]:
        centre = make_centre(self.descriptor(name), signer=self.signer)
        try:
            yield centre
        finally:
            await centre.close()


@contextmanager
def join(federation: Federation) -> Iterator[Joined]:
    """For as long as the context lasts; afterwards the centres trust it no more."""
    state = Path(tempfile.mkdtemp(prefix="sampan-ssh-"))
    federation.join(state)
    _, environment = sampan()
    argv = [sys.executable, "-m", "sampan_hub.signer", "--state", str(state)]
    hub = (state / "secrets" / "hub-id").read_text()
    with (state / "log" / "signer.log").open("ab") as log:
        signer = subprocess.Popen([*argv, "--hub-id", hub], env=environment, stdout=log, stderr=log)
    made = Joined(state, federation)
    try:
        wait_until(made.signer.is_socket, 20)
        yield made
    finally:
        signer.kill()
        signer.wait()
        for name in NAMES:
            authority = Authority(state / "ca" / name, hub).state()
            for line in sshd_files(name, authority, {})[f"{FOLDER}/ca.pub"].splitlines():
                federation.centre(name).ssh.distrust(line)
        shutil.rmtree(state)
