"""`sampan env build` at a real centre without internet: what is carried there is whole, everybody's, and what the lock says."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sampan_hub.centre import make_centre
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import read_descriptor
from sampan_hub.state_directory import StateDirectory
from sampan_hub.user_lock import user_lock
from tests.federation.centre import Centre
from tests.federation.federation import Federation, sampan
from tests.federation.host import REPOSITORY
from tests.waiting import wait_until

pytestmark = pytest.mark.federation

NAME = "east"
PLACES = ("hub", "spawners", "kernels", "extensions")
NOT_SOURCES = shutil.ignore_patterns("__pycache__", "node_modules")
USED = """
import json, os, sys, platform, importlib.metadata as m
import dask.distributed, jupyterhub.singleuser.app, netCDF4, numpy, sampan, sampan_lab, xarray
print(json.dumps({"prefix": sys.prefix, "node": platform.node(), "numpy": numpy.__version__,
                  "record": json.load(open(os.path.join(sys.prefix, "sampan-environment.json")))}))
"""


class Administrator:
    """Whoever runs this hub: its state, its signer, and a folder at the centre that belongs to the service account."""

    def __init__(self, state: Path, centre: Centre) -> None:
        self.state = state
        self.centre = centre
        self.prefix = f"/opt/software/sampan-{secrets.token_hex(4)}"
        self.link = f"{self.prefix}/{user_lock().name}"
        file = state / "centres" / f"{centre.name}.yaml"
        facts = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps({**facts, "environment": {"prefix": self.prefix}}), encoding="utf-8")
        found = read_descriptor(file)
        assert isinstance(found, Descriptor), found
        self.descriptor = found
        # A copy: with a checkout that somebody works on, each run would carry another sampan.
        self.sources = state.parent / "sources"
        for folder in (*PLACES, "requirements"):
            shutil.copytree(REPOSITORY / folder, self.sources / folder, ignore=NOT_SOURCES)

    def env(self, what: str) -> subprocess.Popen[str]:
        argv, environment = sampan("env", what, self.centre.name, "--state", str(self.state), "--json")
        environment["PYTHONPATH"] = os.pathsep.join(str(self.sources / place) for place in PLACES)
        return subprocess.Popen(
            argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def said(self, what: str) -> list[dict[str, Any]]:
        """What it says to its end, which is a good one."""
        running = self.env(what)
        out, err = running.communicate()
        assert running.returncode == 0, out + err
        return [json.loads(line) for line in out.splitlines()]

    def kill_at(self, code: str, progress: int = 0, after: float = 0.0) -> dict[str, Any]:
        """Runs a build and kills it without a warning, once it has come that far; its last word."""
        running = self.env("build")
        assert running.stdout is not None
        try:
            for line in running.stdout:
                step: dict[str, Any] = json.loads(line)
                if step["message"]["code"] == code and step["progress"] >= progress:
                    time.sleep(after)
                    return step
        finally:
            running.kill()
            running.communicate()
        raise AssertionError(f"it ended before {code}")

    def there(self, path: str) -> bool:
        return self.centre.run(["test", "-e", path], check=False).returncode == 0

    async def unfit(self) -> str | None:
        """What the broker would say of a launch there."""
        centre = make_centre(self.descriptor, signer=self.state / "run" / "signer.sock")
        try:
            why = await centre.vetting.unfit()
            return None if why is None else why.code
        finally:
            await centre.close()


def authority_of(state: Path) -> str:
    """The public key that the centre is to believe, as the administrator sends it to its operators."""
    argv, environment = sampan("ca", "show", NAME, "--state", str(state))
    shown = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)
    return next(line for line in shown.stdout.splitlines() if line.startswith(("ssh-", "ecdsa-")))


@pytest.fixture
def administrator(federation: Federation, tmp_path: Path) -> Iterator[Administrator]:
    state = tmp_path / "state"
    StateDirectory(state).make()
    east = federation.centre(NAME)
    federation.write_descriptors(state / "centres")
    key = authority_of(state)
    east.trust(key)
    argv = [sys.executable, "-m", "sampan_hub.signer", "--state", str(state)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "hub")}
    with (tmp_path / "signer.log").open("w") as log:
        signer = subprocess.Popen(argv, env=environment, stderr=log)
    made = Administrator(state, east)
    wait_until((state / "run" / "signer.sock").is_socket)
    try:
        yield made
    finally:
        signer.terminate()
        signer.wait(timeout=20)
        east.distrust(key)
        shutil.rmtree(east.root / made.prefix.removeprefix("/"), ignore_errors=True)


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_from_the_lock_to_a_node_without_internet(administrator: Administrator) -> None:
    """Minutes: 150 real packages are fetched, carried through one login node, installed there and imported.

    Killed once on the way and once while pip installs, it goes on; nothing is in use before all of it is.
    """
    east = administrator.centre
    for host in ("login", "n1"):
        route = east.run(["ip", "route", "get", "192.0.2.1"], host=host, check=False)
        assert route.returncode != 0, f"{host} gets out: {route.stdout}"
    assert await administrator.unfit() == "environment.absent"

    killed = administrator.kill_at("environment.carrying", progress=25)
    assert not administrator.there(administrator.link)
    assert await administrator.unfit() == "environment.absent"

    again = administrator.kill_at("environment.installing", after=8.0)
    assert again["message"]["code"] == "environment.installing"
    assert not administrator.there(administrator.link)

    steps = administrator.said("build")
    assert steps[-1]["message"]["code"] == "environment.built"
    carried = next(step for step in steps if step["message"]["code"] == "environment.carrying")
    assert carried["message"]["params"]["size"] == 0, "what was carried is not carried again"
    assert carried["message"]["params"]["there"] >= killed["message"]["params"]["sent"] > 10
    assert administrator.centre.run(["ls", f"{administrator.prefix}/builds"]).stdout.count("\n") == 1

    [check] = administrator.said("check")
    assert check == {"centre": NAME, "sound": True, "differences": []}
    assert await administrator.unfit() is None
    used = json.loads(
        east.run(
            [f"{administrator.link}/bin/python", "-I", "-c", USED], host="n1", account=east.account("alice")
        ).stdout
    )
    assert used["node"] == "east-n1"
    assert used["record"]["lock"] == user_lock().digest
    assert used["numpy"] == next(pin.version for pin in user_lock().pins() if pin.name == "numpy")

    await refused_once_it_is_another(administrator)


async def refused_once_it_is_another(administrator: Administrator) -> None:
    """What its maker wrote down is not this hub's lock any more: no launch, and the step that mends it."""
    record = f"{administrator.link}/sampan-environment.json"
    administrator.centre.run(["sed", "-i", f"s/{user_lock().digest}/{'0' * 64}/", record])
    assert await administrator.unfit() == "environment.lock"
    running = administrator.env("check")
    out, _ = running.communicate()
    assert running.returncode == 1
    [difference] = json.loads(out)["differences"]
    assert difference["en"].endswith(f"sampan env build {NAME}")
